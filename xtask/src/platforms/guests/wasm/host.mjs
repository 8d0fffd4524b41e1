// Runs the conformance suite in worker threads of Node: host.mjs MODULE. The exit status is the outcome.

import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";

const FOLLOWERS = 3;
const STACK = 256 * 1024;

if (isMainThread) {
  const module = new WebAssembly.Module(readFileSync(process.argv[2]));
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 256, shared: true });
  let ended = 0;
  for (let thread = 0; thread <= FOLLOWERS; thread++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { module, memory, thread } });
    worker.on("error", (error) => {
      console.error(error);
      process.exit(101);
    });
    worker.on("exit", (status) => {
      if (status !== 0) {
        console.error(`thread ${thread}: check ${status} failed`);
        process.exit(status);
      }
      if (++ended > FOLLOWERS) console.log(`the suite passed on ${ended} threads`);
    });
  }
} else {
  const { module, memory, thread } = workerData;
  const milliseconds = () => performance.timeOrigin + performance.now();
  const { exports } = new WebAssembly.Instance(module, { env: { memory }, host: { milliseconds } });
  // Above the heap's start each thread has its stack, and its thread-local data on top of it.
  const top = (exports.__heap_base.value + (thread + 1) * (STACK + 4096)) & ~15;
  exports.__stack_pointer.value = top - 4096;
  if (exports.__tls_size && exports.__tls_size.value > 0) exports.__wasm_init_tls(top - 4096);
  exports.init();
  process.exit(thread === 0 ? exports.lead(FOLLOWERS) : exports.follow());
}

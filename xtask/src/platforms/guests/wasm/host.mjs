// Runs the guest in worker threads of Node: host.mjs MODULE. The exit status is the outcome.

import { readFileSync } from "node:fs";
import { Worker, isMainThread, workerData } from "node:worker_threads";

const THREADS = 4; // the guest says the same
const STACK = 256 * 1024;
const WAKES = 3;
const PATIENCE = 60_000; // milliseconds for a wake that should take microseconds

/** Every part runs on all threads, each with its number, and must return zero. */
const parts = {
  conformance: (guest, _, thread) => guest.conformance(thread),
  latch: (guest, _, thread) => guest.latch(thread),
  barrier: (guest, _, thread) => guest.barrier(thread),
  pool: (guest, _, thread) => guest.pool(thread),
  "JavaScript wakes Rust": (guest, words, thread) => {
    const word = guest.our_word() / 4;
    if (thread === 1) return guest.wait_for_the_host(WAKES) ? 0 : 1;
    if (thread > 1) return 0;
    // The word has not changed yet, so each of these ends one wait, which then begins again.
    const patience = performance.now() + PATIENCE;
    for (let woken = 0; woken < WAKES; woken += Atomics.notify(words, word)) {
      if (performance.now() > patience) return 2;
      pause(1);
    }
    Atomics.store(words, word, 1);
    return Atomics.notify(words, word) <= 1 ? 0 : 1;
  },
  "Rust wakes JavaScript": (guest, words, thread) => {
    const word = guest.their_word() / 4;
    if (thread === 0) return Atomics.wait(words, word, 0, PATIENCE) === "ok" ? 0 : 1;
    return thread > 1 || guest.wake_the_host() === 1 ? 0 : 1;
  },
};

if (isMainThread) {
  const module = new WebAssembly.Module(readFileSync(process.argv[2]));
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 256, shared: true });
  let ended = 0;
  for (let thread = 0; thread < THREADS; thread++) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { module, memory, thread } });
    worker.on("error", (error) => {
      console.error(error);
      process.exit(101);
    });
    worker.on("exit", (status) => {
      if (status !== 0) process.exit(status);
      if (++ended === THREADS) console.log(`passed on ${THREADS} threads: ${Object.keys(parts).join(", ")}`);
    });
  }
} else {
  const { module, memory, thread } = workerData;
  const host = {
    milliseconds: () => performance.timeOrigin + performance.now(),
    panicked: (line) => {
      throw new Error(`thread ${thread} panicked at line ${line}`);
    },
  };
  const { exports: guest } = new WebAssembly.Instance(module, { env: { memory }, host });
  // Above the heap's start each thread has its stack, and its thread-local data on top of it.
  const top = (guest.__heap_base.value + (thread + 1) * (STACK + 4096)) & ~15;
  guest.__stack_pointer.value = top - 4096;
  if (guest.__tls_size && guest.__tls_size.value > 0) guest.__wasm_init_tls(top - 4096);
  guest.init();
  for (const [name, part] of Object.entries(parts)) {
    const status = part(guest, new Int32Array(memory.buffer), thread);
    if (status !== 0) throw new Error(`thread ${thread}: ${name} failed with ${status}`);
  }
}

/** Sleeps, which a thread that is not the main one may do. */
function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

// Runs the pool's addon: 100 files hashed on the pool while a timer of the JavaScript loop goes on.
//
//   node examples/node/host.js target/release/examples/libnode_addon.so [FILE]
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { performance } = require('node:perf_hooks');

const [library, file = library] = process.argv.slice(2).map((name) => path.resolve(name));
const REQUESTS = 100;
const BEAT_MS = 5;

process.dlopen(module, library);
const { hashFile, signals } = module.exports;

async function beside(work) {
  let beats = 0;
  let latest = 0;
  let due = performance.now() + BEAT_MS;
  const timer = setInterval(() => {
    beats += 1;
    latest = Math.max(latest, performance.now() - due);
    due = performance.now() + BEAT_MS;
  }, BEAT_MS);
  const start = performance.now();
  await work();
  clearInterval(timer);
  return { ms: performance.now() - start, beats, latest };
}

function show(name, { ms, beats, latest }) {
  console.log(`${name}: ${ms.toFixed(0)} ms, ${beats} beats of ${BEAT_MS} ms, late by ${latest.toFixed(1)} ms at most`);
}

async function main() {
  const expected = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  const one = await beside(() => hashFile(file));
  show('1 file on the pool', one);

  const idle = await beside(() => new Promise((resolve) => setTimeout(resolve, 500)));
  show('nothing', idle);

  const before = signals();
  const busy = await beside(async () => {
    const digests = await Promise.all(Array.from({ length: REQUESTS }, () => hashFile(file)));
    for (const digest of digests) assert.strictEqual(digest, expected);
  });
  show(`${REQUESTS} files on the pool`, busy);
  console.log(`signals to the loop: ${signals() - before}`);
  // A timer of a busy machine comes late; one of a blocked loop does not come at all.
  assert(busy.ms < 20 * BEAT_MS || busy.beats > 0, 'the loop went on while the pool worked');
  assert(signals() > before && signals() - before <= REQUESTS, 'at most one signal per result');

  await assert.rejects(hashFile('/nonexistent'), /No such file/);
  assert.throws(() => hashFile(7), TypeError);
  // Nothing is open now, so the loop ends by itself.
}

main();
process.on('exit', (code) => {
  if (code === 0) console.log('the loop ended by itself');
});

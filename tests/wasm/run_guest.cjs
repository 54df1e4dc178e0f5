// Runs nc_run of a module once and prints what it gave: a hash of its bytes, or how it ended. For
// Node and for the shell of SpiderMonkey: FILE [FUEL].
'use strict';
/* global os, scriptArgs, print, require, process */
const isShell = typeof process === 'undefined';
const words = isShell ? scriptArgs : process.argv.slice(2);
const bytes = isShell
  ? os.file.readFile(words[0], 'binary')
  : require('node:fs').readFileSync(words[0]);
const say = isShell ? print : console.log;

/** FNV-1a, which both have by themselves. */
function hash(/** @type {Uint8Array} */ data) {
  let sum = 0x811c9dc5;
  for (let i = 0; i < data.length; ++i) sum = Math.imul(sum ^ data[i], 0x01000193) >>> 0;
  return sum.toString(16);
}

const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
  netcompute: {
    fail() {
      throw new Error('it failed');
    },
  },
});
const { memory, nc_run: run, nc_fuel: fuel, nc_no_memory: noMemory } = instance.exports;
if (words[1]) fuel.value = BigInt(words[1]);
const before = fuel ? fuel.value : 0n;
try {
  const found = run(0, 0);
  const output = new Uint8Array(memory.buffer, Number(found & 0xffffffffn), Number(found >> 32n));
  say(`${hash(output)} ${output.length}` + (fuel ? ` ${before - fuel.value}` : ''));
} catch (error) {
  if (!(error instanceof WebAssembly.RuntimeError)) throw error;
  say(noMemory.value ? 'no memory' : fuel && fuel.value < 0n ? 'no fuel' : 'a trap');
}

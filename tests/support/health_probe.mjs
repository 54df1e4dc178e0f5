/** Asks a master how it is, again and again, from a process that has nothing else to do: said on
 * standard output at the end of standard input, how often, how long the longest
 * answer took, and how long the longest of 99 in a hundred.
 * Usage: node health_probe.mjs ORIGIN [PAUSE_MS] */

import { ask } from './cluster.mjs';

let isOver = false;
process.stdin.on('end', () => (isOver = true));
process.stdin.resume();

const pauseMs = Number(process.argv[3] ?? 20);
/** @type {number[]} */
const answersMs = [];
while (!isOver) {
  const begun = performance.now();
  const { status } = await ask(process.argv[2], '/healthz');
  if (status !== 200) throw new Error(`/healthz answered ${status}`);
  answersMs.push(performance.now() - begun);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
answersMs.sort((a, b) => a - b);
const count = answersMs.length;
const longestMs = answersMs[count - 1] ?? 0;
const p99Ms = answersMs[Math.floor(count * 0.99)] ?? 0;
console.log(JSON.stringify({ count, longestMs, p99Ms }));

/** Asks a master how it is, again and again, from a process that has nothing else to do: said on
 * standard output at the end of standard input, how often and how long the longest answer took.
 * Usage: node health_probe.mjs ORIGIN */

import { ask } from './cluster.mjs';

let isOver = false;
process.stdin.on('end', () => (isOver = true));
process.stdin.resume();

let count = 0;
let longestMs = 0;
while (!isOver) {
  const begun = performance.now();
  const { status } = await ask(process.argv[2], '/healthz');
  if (status !== 200) throw new Error(`/healthz answered ${status}`);
  longestMs = Math.max(longestMs, performance.now() - begun);
  ++count;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
console.log(JSON.stringify({ count, longestMs }));

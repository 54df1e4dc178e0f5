/**
 * How long a master takes to answer while it trains on a wide table: 1,024 features in 64 shards,
 * whose tasks answer with 4 MB each, on 100 workers of this PC. /healthz is polled every 10 ms from
 * a process of its own, before the training and during it. The workers share the PC's cores with
 * the master, so a quiet PC with more cores than two answers sooner.
 *
 *   node bench/wide_training.mjs [--build FOLDER] [--workers N] [--rows N] [--features N]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    build: { type: 'string', default: new URL('../build', import.meta.url).pathname },
    workers: { type: 'string', default: '100' },
    rows: { type: 'string', default: '16384' },
    features: { type: 'string', default: '1024' },
  },
});
process.env.NETCOMPUTE_BINARY_DIR = options.build;
const { Cluster, generateTable } = await import('../tests/support/cluster.mjs');
const probe = new URL('../tests/support/health_probe.mjs', import.meta.url).pathname;

/** @param {string} origin @param {() => Promise<any>} work */
async function probed(origin, work) {
  const child = spawn('node', [probe, origin, '10'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const begun = performance.now();
  const done = await work();
  const seconds = (performance.now() - begun) / 1000;
  child.stdin.end();
  const [line] = await once(child.stdout, 'data');
  return { ...JSON.parse(line), seconds, done };
}

/** @param {string} name @param {any} figures */
function report(name, { count, longestMs, p99Ms, seconds }) {
  const rounded = Object.entries({ count, longestMs, p99Ms, seconds }).map(([key, value]) => [
    key,
    Math.round(value * 10) / 10,
  ]);
  console.log(JSON.stringify({ case: name, ...Object.fromEntries(rounded), load: loadavg()[0] }));
}

const cluster = await Cluster.start({
  prepare: (folder) =>
    generateTable(`${folder}/Data/wide.csv`, Number(options.rows), 7, [
      '--numeric',
      options.features,
    ]),
});
try {
  await cluster.startWorkers(Number(options.workers));
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5000));
  report(`healthz, ${options.workers} idle workers`, await probed(cluster.origin, pause));
  const training = await probed(cluster.origin, () =>
    cluster.run('train', { data: 'Data/wide.csv' }),
  );
  report('healthz, training', training);
  console.log(JSON.stringify({ case: 'training', iterations: training.done.iterations }));
} finally {
  await cluster.close();
}

// A master that is killed with -9 at any moment, and started again, gives the undisturbed result.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { afterEach, test } from 'node:test';

import { Cluster, generateTable, referenceSha256 } from '../support/cluster.mjs';
import { Ordeal, verboseMaster } from '../support/ordeal.mjs';
import { seededRandom } from './workload.mjs';

/** To repeat a run that failed: NETCOMPUTE_SEED. */
const seed = Number(process.env.NETCOMPUTE_SEED ?? randomInt(2 ** 31));
const rows = 50_000;
const killsEach = Number(process.env.NETCOMPUTE_KILLS ?? 50);

/** @type {Cluster | undefined} */
let cluster;
afterEach(() => cluster?.close());

/** @param {import('node:test').TestContext} t */
async function begin(t) {
  t.diagnostic(`NETCOMPUTE_SEED=${seed}`);
  cluster = await Cluster.start({ args: verboseMaster });
  await cluster.startWorkers(2);
  return { cluster, ordeal: new Ordeal(cluster, seededRandom(seed)) };
}

/**
 * All jobs are over, and right: what did the kills cost?
 * @param {import('node:test').TestContext} t @param {Cluster} cluster @param {Ordeal} ordeal
 */
async function checkCost(t, cluster, ordeal) {
  const { json: jobs } = await cluster.ask('/api/v1/jobs');
  let needed = 0;
  for (const { tasks } of jobs) needed += tasks.done;
  const twice = (await ordeal.computedTasks()) - needed;
  const { kills, inFlight } = ordeal;
  t.diagnostic(`${kills} kills, ${jobs.length} jobs, ${needed} tasks`);
  t.diagnostic(`computed twice: ${twice}; in flight at the kills: ${inFlight}`);
  assert.ok(twice >= 0, `${twice} tasks more were computed than counted`);
  assert.ok(inFlight > 0, 'nothing was in flight at any kill');
  assert.ok(twice <= inFlight, `${twice} tasks were computed twice`);
}

/**
 * Runs one job after the other until there were enough kills; each result must be right.
 * @param {import('node:test').TestContext} t @param {Cluster} cluster @param {Ordeal} ordeal
 * @param {() => Promise<number>} submit
 * @param {(id: number) => Promise<unknown>} untilMoment when the master may be killed next
 * @param {string} sha256 of each result
 */
async function killDuring(t, cluster, ordeal, submit, untilMoment, sha256) {
  while (ordeal.kills < killsEach) {
    const id = await submit();
    while (ordeal.kills < killsEach) {
      await untilMoment(id);
      if (await ordeal.isOver(id)) break;
      await ordeal.kill();
    }
    const result = await cluster.resultOf(id);
    assert.equal(result.model_sha256 ?? result.result_sha256, sha256);
  }
  await checkCost(t, cluster, ordeal);
}

test(`trainings of ${rows} rows survive ${killsEach} kills of the master`, async (t) => {
  const { cluster, ordeal } = await begin(t);
  const table = path.join(cluster.folder, 'Data/large.csv');
  await generateTable(table, rows, 7);
  const submit = () => cluster.submit('train', { data: 'Data/large.csv' });
  const untilMoment = (/** @type {number} */ id) => ordeal.untilLeases(id, ordeal.below(60));
  const sha256 = await referenceSha256('train', { data: table });
  await killDuring(t, cluster, ordeal, submit, untilMoment, sha256);
});

test(`Monte Carlo jobs survive ${killsEach} kills of the master`, async (t) => {
  const { cluster, ordeal } = await begin(t);
  const params = { samples: 2000 * 2 ** 22 - 1, seed: 9 };
  const sha256 = await referenceSha256('monte_carlo_pi', params);
  const submit = () => cluster.submit('monte_carlo_pi', params);
  const untilMoment = async (/** @type {number} */ id) => {
    const due = ordeal.below(60);
    await cluster.until(
      `${due} tasks of job ${id} are done`,
      ({ cluster: now, jobs }) => now.tasks_done >= due || jobs[id]?.state === 'Succeeded',
    );
  };
  await killDuring(t, cluster, ordeal, submit, untilMoment, sha256);
});

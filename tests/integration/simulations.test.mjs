// Simulations and sweeps with workers that die: the bits of one process, and one table.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start();
});
after(() => cluster?.close());
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** Runs a job with two workers, one of which is killed and replaced once some tasks are done.
 * @param {string} type @param {object} params @returns {Promise<any>} its result */
async function runWithALoss(type, params) {
  await cluster.startWorkers(2);
  const { tasks_done: before } = (await cluster.ask('/api/v1/cluster')).json;
  const id = await cluster.submit(type, params);
  const isLate = await cluster.until(
    'some tasks are done',
    ({ cluster: now }) =>
      (now.tasks_done >= before + 4 && 'in time') || (now.jobs_live === 0 && 'too late'),
  );
  assert.equal(isLate, 'in time', 'the job lasts until a worker can be killed');
  cluster.workers.at(-1)?.kill('SIGKILL');
  await cluster.startWorker();
  return cluster.resultOf(id);
}

test('a simulation that takes rounds until its error is small changes no bit', async () => {
  const params = {
    option: 'asian',
    steps: 1024,
    control_variate: 'no',
    samples: 100_000,
    standard_error: 0.012,
  };
  const result = await runWithALoss('option_pricing', params);
  assert.equal(result.met_its_bound, true);
  assert.ok(result.standard_error <= 0.012 && result.samples > 100_000, JSON.stringify(result));
  assert.equal(result.result_sha256, await referenceSha256('option_pricing', params));
});

test('a sweep gathers the same table, and its jobs are its children', async () => {
  const params = {
    job: 'ising',
    params: { size: 16, samples: 60, burn_in: 200, sweeps: 1000 },
    over: { temperature: { from: 1.5, to: 3.5, steps: 9 } },
  };
  const result = await runWithALoss('sweep', params);
  assert.equal(result.result_sha256, await referenceSha256('sweep', params));
  assert.equal(result.points, 9);
  const [head, ...lines] = cluster.read('Data/sweep.csv').trimEnd().split('\n');
  assert.match(head ?? '', /^point,temperature,.*energy/);
  assert.deepEqual(
    lines.map((line) => line.split(',')[1]),
    ['1.5', '1.75', '2.0', '2.25', '2.5', '2.75', '3.0', '3.25', '3.5'],
  );
  const jobs = (await cluster.ask('/api/v1/jobs?q=temperature')).json;
  assert.ok(jobs.length >= 9 && jobs.every((/** @type {any} */ job) => job.parent > 0));
});

test('a sweep with a point that its job refuses is refused as a whole', async () => {
  const { json: jobs } = await cluster.ask('/api/v1/jobs');
  const answer = await cluster.ask('/api/v1/jobs', {
    method: 'POST',
    body: { type: 'sweep', params: { job: 'ising', over: { temperature: [2, 0] } } },
  });
  assert.equal(answer.status, 400);
  assert.match(answer.json.error.message, /at \{"temperature":0\}: params\.temperature: 0 is not/);
  assert.equal((await cluster.ask('/api/v1/jobs')).json.length, jobs.length);
});

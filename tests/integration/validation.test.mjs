// Workers that lie among honest ones: the result is right, the liars are named and sent away.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';

import { Cluster, generateTable, referenceSha256 } from '../support/cluster.mjs';
import { LyingWorker } from '../support/lying_worker.mjs';

const params = { samples: 300 * 2 ** 22 - 1, seed: 12 };
/** @type {Cluster} */
let cluster;
/** @type {LyingWorker[]} */
let strangers = [];

beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(async () => {
  for (const stranger of strangers) stranger.close();
  strangers = [];
  await cluster.close();
});

/** @param {string} name @param {(task: number) => boolean} isLie */
async function invite(name, isLie) {
  const stranger = await LyingWorker.join(cluster.origin, name, isLie);
  strangers.push(stranger);
  return stranger;
}

/** @param {number} number */
function every(number) {
  return (/** @type {number} */ task) => task % number === number - 1;
}

/** @param {number} number */
function from(number) {
  return (/** @type {number} */ task) => task >= number;
}

const never = () => false;

function sha256() {
  return referenceSha256('monte_carlo_pi', params);
}

/** @param {import('node:test').TestContext} t @param {any} job */
function tellCost(t, { tasks, validation }) {
  for (const { name, lies, truths } of strangers) {
    t.diagnostic(`${name}: ${lies} lies, ${truths} truths`);
  }
  const { checks, audits } = validation;
  t.diagnostic(`${tasks.done} tasks, ${checks} checks by workers, ${audits} by the master`);
}

test('with "adaptive" each liar is named and the result is right', async (t) => {
  const liars = [await invite('often', every(3)), await invite('later', from(4))];
  const honest = await invite('honest', never);
  const id = await cluster.submit('monte_carlo_pi', params, { validation: 'adaptive' });
  await Promise.all(liars.map(({ hasLied }) => hasLied));
  await cluster.startWorkers(2);
  const job = await cluster.whenOver(id);
  tellCost(t, job);
  assert.equal(job.result.result_sha256, await sha256());
  assert.deepEqual(job.validation.liars.sort(), ['later', 'often']);
  assert.ok(honest.truths > 0, 'the honest stranger took part');
});

test('a liar is quarantined, and stays so when the master is killed and started', async () => {
  const liar = await invite('liar', every(3));
  const id = await cluster.submit('monte_carlo_pi', params);
  await liar.hasLied;
  await cluster.startWorker();
  const { code, message, retry } = await liar.goodbye;
  assert.deepEqual({ code, retry }, { code: 'quarantined', retry: false });
  assert.match(message, /its result for task \d+ of round 0 of job \d+ was wrong/);
  await cluster.killMaster();
  await cluster.restartMaster();
  const again = await LyingWorker.connect(cluster.origin, 'liar', never);
  strangers.push(again);
  assert.equal((await again.goodbye).code, 'quarantined');
  const job = await cluster.whenOver(id);
  assert.equal(job.result.result_sha256, await sha256());
  assert.deepEqual(job.validation.liars, ['liar']);
  const { json: worker } = await cluster.ask('/api/v1/workers/worker-liar');
  assert.match(worker.quarantined, /was wrong/);
});

test('a lie found in a late round of a training does not survive in its model', async (t) => {
  const table = cluster.file('Data/table.csv');
  await generateTable(table, 20_000, 3);
  const liar = await invite('late', (task) => task > 20 && task % 5 === 0);
  await invite('honest', never);
  const id = await cluster.submit('train', { data: 'Data/table.csv' });
  await liar.hasLied;
  await cluster.startWorker();
  const job = await cluster.whenOver(id);
  tellCost(t, job);
  assert.equal(job.result.model_sha256, await referenceSha256('train', { data: table }));
  assert.deepEqual(job.validation.liars, ['late']);
});

test('with "quorum:2" every result has two PCs behind it, and a liar is found', async (t) => {
  const liar = await invite('liar', every(5));
  const id = await cluster.submit('monte_carlo_pi', params, { validation: 'quorum:2' });
  await liar.hasLied;
  await cluster.startWorkers(2);
  const job = await cluster.whenOver(id);
  tellCost(t, job);
  assert.equal(job.result.result_sha256, await sha256());
  assert.deepEqual(job.validation.liars, ['liar']);
  assert.ok(job.validation.checks + job.validation.audits >= 300, 'each task once more');
});

// A job that masters die of does not take the next ones with it: it is held back, the others go on.

import assert from 'node:assert/strict';
import path from 'node:path';
import { afterEach, test } from 'node:test';

import { Cluster, generateTable } from '../support/cluster.mjs';

/** @type {Cluster | undefined} */
let cluster;
afterEach(() => cluster?.close());

/** @param {number} id @returns {Promise<any>} */
async function documentOf(id) {
  return (await cluster?.ask(`/api/v1/jobs/${id}`))?.json;
}

test('the third master holds back the job that two died of while they read its data', async () => {
  cluster = await Cluster.start();
  // Large enough to be seen while it is read.
  await generateTable(path.join(cluster.folder, 'Data/large.csv'), 400_000, 3);
  const small = await cluster.submit('noop', { task_count: 3 });
  const large = await cluster.submit('train', { data: 'Data/large.csv' });
  // As the kernel does where there is no memory left.
  const isReadOrOver = (/** @type {any} */ { jobs }) => {
    assert.notEqual(jobs[large]?.state, 'Failed');
    return jobs[large]?.phase === 'reading data';
  };
  await cluster.until('its data is read', isReadOrOver);
  await cluster.killMaster();
  await cluster.restartMaster();
  await cluster.until('its data is read again', isReadOrOver);
  await cluster.killMaster();
  await cluster.restartMaster();

  const held = await documentOf(large);
  assert.equal(held.state, 'Paused');
  assert.match(held.paused_because, /^the master ended unexpectedly 2 times while it prepared it/);
  assert.match(held.paused_because, /resume the job to try it again, or cancel it$/);
  await cluster.startWorker();
  assert.equal((await cluster.resultOf(small)).task_count, 3);

  const resumed = await cluster.ask(`/api/v1/jobs/${large}/resume`, { method: 'POST' });
  assert.equal(resumed.status, 200, resumed.text);
  await cluster.until('it is read once more', isReadOrOver);
  const cancelled = await cluster.ask(`/api/v1/jobs/${large}`, { method: 'DELETE' });
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal((await documentOf(large)).state, 'Cancelled');
});

test('of a thousand large jobs two are taken, and a small one runs meanwhile', async () => {
  cluster = await Cluster.start({ config: { limits: { tasks: 20_000_000 } } });
  const body = { type: 'noop', params: { task_count: 10_000_000 }, priority: -1 };
  const asking = { method: 'POST', body };
  const statuses = [];
  for (let i = 0; i < 1000; ++i) {
    const answer = await cluster.ask('/api/v1/jobs', asking);
    statuses.push(answer.status);
    if (answer.status === 429) assert.match(answer.json.error.message, /30000000 tasks together/);
  }
  assert.deepEqual(statuses.slice(0, 2), [201, 201]);
  assert.ok(statuses.slice(2).every((status) => status === 429));
  // The two that were taken leave room for nothing.
  assert.equal((await cluster.ask('/api/v1/jobs/1', { method: 'DELETE' })).status, 200);
  const small = await cluster.submit('noop', { task_count: 50 });
  await cluster.startWorker();
  assert.equal((await cluster.resultOf(small)).task_count, 50);
  await cluster.killMaster();
  await cluster.restartMaster();
  assert.equal((await documentOf(2)).tasks.total, 10_000_000);
});

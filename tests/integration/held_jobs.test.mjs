// A job that masters die of does not take the next ones with it: it is held back, the others go on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, test } from 'node:test';

import { Cluster, generateTable } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';
import { isOrdinaryBuild } from '../support/siege.mjs';

/** @type {Cluster} */
let cluster;
afterEach(() => cluster.close());

/** @param {number} id @returns {Promise<any>} */
async function documentOf(id) {
  return (await cluster.ask(`/api/v1/jobs/${id}`)).json;
}

/** Asks until it is so. @param {number} id @param {(job: any) => boolean} isSo */
async function untilJob(id, isSo) {
  for (;;) {
    const job = await documentOf(id);
    assert.notEqual(job.state, 'Failed', JSON.stringify(job.error));
    if (isSo(job)) return job;
  }
}

/** Its data is being read: that takes a second. @param {any} job */
const isBeingRead = (job) => job.phase === 'reading data';

/** @param {number} rows */
async function makeTable(rows) {
  await generateTable(path.join(cluster.folder, 'Data/large.csv'), rows, 3);
}

test('the third master holds back the job that two died of while they read its data', async () => {
  cluster = await Cluster.start();
  await makeTable(400_000);
  const small = await cluster.submit('noop', { task_count: 3 });
  const large = await cluster.submit('train', { data: 'Data/large.csv' });
  // As the kernel does where there is no memory left.
  for (let death = 0; death < 2; ++death) {
    await untilJob(large, isBeingRead);
    await cluster.killMaster();
    await cluster.restartMaster();
  }

  const held = await documentOf(large);
  assert.equal(held.state, 'Paused');
  assert.match(held.paused_because, /^the master ended unexpectedly 2 times while it prepared it/);
  assert.match(held.paused_because, /resume the job to try it again, or cancel it$/);
  await cluster.startWorker();
  assert.equal((await cluster.resultOf(small)).task_count, 3);

  const resumed = await cluster.ask(`/api/v1/jobs/${large}/resume`, { method: 'POST' });
  assert.equal(resumed.status, 200, resumed.text);
  await untilJob(large, isBeingRead);
  const cancelled = await cluster.ask(`/api/v1/jobs/${large}`, { method: 'DELETE' });
  assert.equal(cancelled.status, 200, cancelled.text);
  assert.equal((await documentOf(large)).state, 'Cancelled');
});

const memoryTest = { skip: !isOrdinaryBuild && 'sanitizers take more address space than there is' };

test(
  'a job that needs more memory than there is fails, and the master goes on',
  memoryTest,
  async () => {
    cluster = await Cluster.start();
    await makeTable(400_000);
    await cluster.startWorker();
    // Room for what small jobs need, and not for such a table.
    const status = readFileSync(`/proc/${cluster.master.pid}/status`, 'utf8');
    const bytes = Number(/VmSize:\s+(\d+)/.exec(status)?.[1]) * 1024 + (32 << 20);
    const limited = await runProgram('prlimit', [
      '--pid',
      String(cluster.master.pid),
      `--as=${bytes}`,
    ]);
    assert.equal(limited.code, 0, limited.stderr);
    const large = await cluster.submit('train', { data: 'Data/large.csv' });
    const job = await cluster.whenOver(large);
    assert.equal(job.state, 'Failed');
    assert.match(job.error.message, /memory.*, or run the master on a PC with more$/);
    const small = await cluster.submit('noop', { task_count: 3 });
    assert.equal((await cluster.resultOf(small)).task_count, 3);
  },
);

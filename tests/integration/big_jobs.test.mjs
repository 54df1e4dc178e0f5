// Jobs of ten million tasks, which 75 bytes ask for, take neither the master's memory nor the
// engine from everybody else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';
import { isOrdinaryBuild } from '../support/siege.mjs';

const taskCount = 10_000_000;
/** @type {Cluster} */
let cluster;
afterEach(() => cluster?.close());

/** @param {number} id @returns {Promise<any>} */
async function documentOf(id) {
  return (await cluster.ask(`/api/v1/jobs/${id}`)).json;
}

/** What the master has in memory. */
function residentMiB() {
  const status = readFileSync(`/proc/${cluster.master.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** The master may not have more address space than this. @param {number} gibibytes */
async function limitMaster(gibibytes) {
  if (!isOrdinaryBuild) return;
  const limit = `--as=${gibibytes * 2 ** 30}`;
  const limited = await runProgram('prlimit', ['--pid', String(cluster.master.pid), limit]);
  assert.equal(limited.code, 0, limited.stderr);
}

/** A small job is computed, whatever else there is. */
async function runSmallJob() {
  assert.equal((await cluster.run('noop', { task_count: 50 })).task_count, 50);
}

test('of a thousand large jobs two are taken, and a small one runs meanwhile', async () => {
  cluster = await Cluster.start();
  const body = { type: 'noop', params: { task_count: taskCount } };
  const statuses = [];
  for (let i = 0; i < 1000; ++i) {
    const answer = await cluster.ask('/api/v1/jobs', { method: 'POST', body });
    statuses.push(answer.status);
    if (answer.status === 429) assert.match(answer.json.error.message, /30000000 tasks together/);
  }
  assert.deepEqual(statuses.slice(0, 2), [201, 201]);
  assert.ok(statuses.slice(2).every((status) => status === 429));
  await cluster.startWorker();
  await runSmallJob();
});

test('five large jobs fit in a master of 3 GiB, and in one that takes them up', async () => {
  cluster = await Cluster.start({ config: { limits: { tasks: 5 * taskCount } } });
  await limitMaster(3);
  await cluster.startWorker();
  await runSmallJob();
  const before = residentMiB();
  /** @type {number[]} */
  const ids = [];
  for (let i = 0; i < 5; ++i) ids.push(await cluster.submit('noop', { task_count: taskCount }));
  const moreMiB = residentMiB() - before;
  assert.ok(moreMiB < 5 * 50 || !isOrdinaryBuild, `${moreMiB} MiB more`);
  await cluster.until('each has begun', ({ jobs }) => ids.every((id) => jobs[id]?.tasks.done > 0));
  await runSmallJob();

  // The next one may have 20,000,000 tasks, as masters may that nobody told otherwise.
  await cluster.killMaster();
  await cluster.restartMaster();
  await limitMaster(3);
  await runSmallJob();
  const jobs = await Promise.all(ids.map(documentOf));
  assert.deepEqual(
    jobs.map(({ state }) => state),
    ['Running', 'Running', 'Paused', 'Paused', 'Paused'],
  );
  assert.match(jobs[2].paused_because, /would have 30000000 tasks together, and 20000000 are/);
  assert.equal(jobs[0].tasks.total, taskCount);

  // Where one of them goes, there is room for one that was held back.
  for (const id of [ids[0], ids[3]]) {
    const cancelled = await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
    assert.equal(cancelled.status, 200, cancelled.text);
  }
  const resumed = await cluster.ask(`/api/v1/jobs/${ids[2]}/resume`, { method: 'POST' });
  assert.equal(resumed.status, 200, resumed.text);
  await cluster.until('it goes on', ({ jobs: now }) => now[ids[2]]?.state === 'Running');
  await runSmallJob();
});

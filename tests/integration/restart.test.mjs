// What a master knew when it ended, the next one knows: jobs over, running, held back or waiting.

import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';

import { Cluster, generateTable, masterProgram, referenceSha256 } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

const params = { samples: 600 * 2 ** 22 - 1, seed: 15 };
/** @type {Cluster} */
let cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster?.close());

/** @param {number} id @returns {Promise<any>} */
async function documentOf(id) {
  return (await cluster.ask(`/api/v1/jobs/${id}`)).json;
}

/** @param {number} id @param {string} order @param {object} [body] */
async function order(id, order, body) {
  const answer = await cluster.ask(`/api/v1/jobs/${id}/${order}`, { method: 'POST', body });
  assert.equal(answer.status, 200, answer.text);
}

/** @param {number} id */
async function checkResult(id) {
  const sha256 = await referenceSha256('monte_carlo_pi', params);
  assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
}

/** @param {number} id */
function untilBegun(id) {
  return cluster.until('it has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
}

async function restart() {
  await cluster.killMaster();
  await cluster.restartMaster();
}

test('jobs that are over are listed as before, with their results and receipts', async () => {
  await cluster.startWorker();
  const succeeded = await cluster.submit('train', {}, { name: 'of record' });
  await cluster.resultOf(succeeded);
  const late = { deadline_seconds: 0.001 };
  const failed = await cluster.submit('monte_carlo_pi', params, late);
  assert.equal((await cluster.whenOver(failed)).state, 'Failed');
  const cancelled = await cluster.submit('monte_carlo_pi', params, { priority: -3 });
  await cluster.ask(`/api/v1/jobs/${cancelled}`, { method: 'DELETE' });
  const targets = [
    '/api/v1/jobs',
    ...[succeeded, failed, cancelled].map((id) => `/api/v1/jobs/${id}/result`),
    `/api/v1/jobs/${succeeded}/receipt`,
  ];
  const asked = () =>
    Promise.all(
      targets.map(async (target) => {
        const { status, text } = await cluster.ask(target);
        return { target, status, text };
      }),
    );
  const before = await asked();
  assert.equal(JSON.parse(before[0].text).length, 3);
  assert.deepEqual(
    before.slice(1).map(({ status }) => status),
    [200, 409, 409, 200],
  );
  await restart();
  assert.deepEqual(await asked(), before);
  const next = await cluster.submit('noop', { task_count: 1 });
  assert.ok(next > cancelled, 'no id is given twice');
});

test('a paused job stays paused and keeps its place, and goes on when it is resumed', async () => {
  await cluster.startWorker();
  const paused = await cluster.submit('monte_carlo_pi', params);
  await untilBegun(paused);
  await order(paused, 'pause');
  await order(paused, 'priority', { priority: 7 });
  const { tasks } = await documentOf(paused);
  await restart();
  const found = await documentOf(paused);
  assert.deepEqual([found.state, found.priority], ['Paused', 7]);
  await cluster.run('noop', { task_count: 1000 });
  const later = await documentOf(paused);
  assert.equal(later.state, 'Paused');
  assert.ok(later.tasks.done >= tasks.done, 'what was done is done');
  await order(paused, 'resume');
  await checkResult(paused);
});

test('a master that is asked to stop leaves a job that the next one ends', async () => {
  await cluster.startWorkers(2);
  const id = await cluster.submit('monte_carlo_pi', params);
  await untilBegun(id);
  cluster.master.kill('SIGTERM');
  assert.deepEqual(await cluster.master.ended, { code: 0, signal: null });
  await cluster.restartMaster();
  await checkResult(id);
});

test('a job may be cancelled while a restarted master reads its data again', async () => {
  await generateTable(cluster.file('Data/large.csv'), 50_000, 7);
  const id = await cluster.submit('train', { data: 'Data/large.csv' });
  await cluster.until('its data is read', ({ jobs }) => jobs[id]?.phase === '');
  await restart();
  const cancelled = await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
  assert.deepEqual([cancelled.status, cancelled.json.state], [200, 'Cancelled']);
  await cluster.startWorker();
  await cluster.run('noop', { task_count: 10 });
  await restart();
  assert.equal((await documentOf(id)).state, 'Cancelled');
});

test('a deadline counts from the submission, whichever master sees it pass', async () => {
  const id = await cluster.submit('monte_carlo_pi', params, { deadline_seconds: 2 });
  await restart();
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Failed');
  assert.match(job.error.message, /deadline has passed: 2 s after it was submitted/);
  assert.ok(job.elapsed >= 2 && job.elapsed < 4, `after ${job.elapsed} s`);
});

test('a job whose input was changed while no master ran fails, and says why', async () => {
  await generateTable(cluster.file('Data/table.csv'), 1000, 7);
  const id = await cluster.submit('train', { data: 'Data/table.csv' });
  await cluster.until('its data is read', ({ jobs }) => jobs[id]?.phase === '');
  await cluster.killMaster();
  await generateTable(cluster.file('Data/table.csv'), 1000, 8);
  await cluster.restartMaster();
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Failed');
  assert.match(job.error.message, /input has changed since it was submitted/);
});

test('a second master on the same state folder is refused, and the first one goes on', async () => {
  const second = await runProgram(masterProgram, ['--config', 'config.json', '--mode', 'serve'], {
    cwd: cluster.folder,
  });
  assert.equal(second.code, 1);
  const holder = `another master \\(process ${cluster.master.pid}\\) uses this state folder`;
  assert.match(second.stderr, new RegExp(holder));
  assert.equal((await cluster.ask('/healthz')).status, 200);
});

test('a state folder of a newer version is refused and not touched', async () => {
  cluster.master.kill('SIGTERM');
  await cluster.master.ended;
  const database = openSync(cluster.file('state/netcompute.db'), 'r+');
  writeSync(database, Buffer.from([0, 0, 3, 231]), 0, 4, 60); // user_version, in SQLite's header.
  closeSync(database);
  cluster.beginMaster();
  assert.deepEqual(await cluster.master.ended, { code: 1, signal: null });
  assert.match(
    cluster.master.stderr,
    /netcompute\.db: its schema is version 999, this program knows up to \d+; use the newer/,
  );
  await cluster.killMaster(); // It has ended already, as it should.
});

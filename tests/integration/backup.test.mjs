// `netcompute-master backup FILE`: while the master runs, and without one. Whoever puts the file in
// the place of a lost state folder's database goes on from that moment.

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';

import { Cluster, masterProgram, referenceSha256 } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

const params = { samples: 60 * 2 ** 22 - 1, seed: 27 };

/** @type {Cluster} */
let cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(() => cluster?.close());

/** @param {string[]} args */
function backup(...args) {
  return runProgram(masterProgram, ['backup', ...args], { cwd: cluster.folder });
}

/** The state folder is lost, but for the backup. @param {string} file */
function restore(file) {
  rmSync(cluster.file('state'), { recursive: true });
  mkdirSync(cluster.file('state'), { mode: 0o700 });
  copyFileSync(cluster.file(file), cluster.file('state/netcompute.db'));
}

/** @param {number} id */
async function checkResult(id) {
  const sha256 = await referenceSha256('monte_carlo_pi', params);
  assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
}

test('a master that runs makes one, and another master goes on from it', async () => {
  await cluster.startWorker();
  const over = await cluster.submit('noop', { task_count: 100 });
  const result = await cluster.resultOf(over);
  const id = await cluster.submit('monte_carlo_pi', params);
  await cluster.until('it has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
  const made = await backup('saved.db');
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(made.stdout, /^saved\.db: \d+\.\d MiB, the state of state\n$/);
  assert.equal(statSync(cluster.file('saved.db')).mode & 0o777, 0o600);
  assert.match(cluster.read('state/audit.log'), /"action":"backup","who":"local","outcome":"ok"/);
  await checkResult(id);

  await cluster.killMaster();
  restore('saved.db');
  await cluster.restartMaster();
  const { json } = await cluster.ask(`/api/v1/jobs/${id}`);
  assert.equal(json.state, 'Running', 'as at the moment of the backup');
  assert.deepEqual((await cluster.ask(`/api/v1/jobs/${over}/result`)).json, result);
  await checkResult(id);
  assert.equal(existsSync(cluster.file('state/backup.db')), false, 'nothing is left of it');
});

test('several at once: each is whole, or says that another is under way', async () => {
  await cluster.startWorker();
  await cluster.run('noop', { task_count: 1000 });
  const files = ['a.db', 'b.db', 'c.db', 'd.db'];
  const made = await Promise.all(files.map((file) => backup(file)));
  assert.ok(made.some(({ code }) => code === 0));
  for (const [i, { code, stderr }] of made.entries()) {
    assert.equal(existsSync(cluster.file(files[i])), code === 0);
    if (code !== 0) assert.match(stderr, /^netcompute-master: another backup is under way; try/);
  }
  const names = readdirSync(cluster.folder).filter((name) => /\.db/.test(name));
  assert.ok(
    names.every((name) => files.includes(name)),
    `only whole ones: ${names}`,
  );
});

test('without a master the command makes one by itself', async () => {
  await cluster.startWorker();
  const over = await cluster.submit('noop', { task_count: 100 });
  const result = await cluster.resultOf(over);
  await cluster.killMaster();
  assert.equal((await backup('saved.db')).code, 0);
  // The one that is there is replaced.
  assert.equal((await backup('saved.db', '--state-dir', cluster.file('state'))).code, 0);
  restore('saved.db');
  await cluster.restartMaster();
  assert.deepEqual((await cluster.ask(`/api/v1/jobs/${over}/result`)).json, result);
});

test('what cannot be is said, and leaves nothing behind', async () => {
  const nowhere = await backup('none/saved.db');
  assert.equal(nowhere.code, 1);
  assert.match(nowhere.stderr, /none\/saved\.db\.\d+: cannot make this file: No such file/);
  const stateless = await backup('saved.db', '--state-dir', 'elsewhere');
  assert.equal(stateless.code, 1);
  assert.match(
    stateless.stderr,
    /elsewhere: holds no master's state; name its folder with --state/,
  );
  assert.equal(existsSync(cluster.file('saved.db')), false);
  assert.equal(existsSync(cluster.file('elsewhere')), false);
});

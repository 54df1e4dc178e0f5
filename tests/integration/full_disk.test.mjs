// A state folder on a small disk that fills, or cannot be written: jobs wait, and nothing is lost.

import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, before, beforeEach, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';
import { command, inOwnWorld } from '../support/own_world.mjs';

const params = { samples: 600 * 2 ** 22 - 1, seed: 11 };
let sha256 = '';
/** @type {Cluster} */
let cluster;

/** @param {string} folder */
async function mountState(folder) {
  const state = path.join(folder, 'state');
  mkdirSync(state);
  await command('mount', '-t', 'tmpfs', '-o', 'size=8m', 'none', state);
}

/** Takes all the space that is left. */
function fillDisk() {
  const file = openSync(cluster.file('state/filler'), 'w');
  let size = 2 ** 20;
  while (size >= 1) {
    try {
      writeSync(file, Buffer.alloc(size));
    } catch (error) {
      assert.equal(/** @type {NodeJS.ErrnoException} */ (error).code, 'ENOSPC');
      size = Math.floor(size / 2);
    }
  }
  closeSync(file);
}

function freeDisk() {
  rmSync(cluster.file('state/filler'));
}

async function startLongJob() {
  await cluster.startWorkers(2);
  const id = await cluster.submit('monte_carlo_pi', params);
  await cluster.until('it has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
  return id;
}

/** @param {number} id */
async function untilPausedByDisk(id) {
  await cluster.until('the job is paused', ({ jobs }) => jobs[id]?.state === 'Paused');
  const { json: job } = await cluster.ask(`/api/v1/jobs/${id}`);
  assert.equal(job.waiting_for, 'disk space');
  assert.match(job.paused_because, /state\/\S+: .*(disk is full|No space left).*free some space/);
  await cluster.master.until(/jobs wait: .*free some space/);
  return job;
}

inOwnWorld(import.meta.url, () => {
  before(async () => {
    sha256 = await referenceSha256('monte_carlo_pi', params);
  });
  beforeEach(async () => {
    cluster = await Cluster.start({ prepare: mountState });
  });
  afterEach(() => cluster.close({ beforeRemoval: () => command('umount', cluster.file('state')) }));

  test('a job waits while the disk is full, says so, and goes on when there is space', async () => {
    const id = await startLongJob();
    fillDisk();
    const job = await untilPausedByDisk(id);
    for (const [method, target] of [
      ['POST', 'jobs'],
      ['DELETE', `jobs/${id}`],
      ['POST', `jobs/${id}/pause`],
    ]) {
      const body = target === 'jobs' ? { type: 'noop' } : undefined;
      const refused = await cluster.ask(`/api/v1/${target}`, { method, body });
      assert.equal(refused.status, 503, refused.text);
      assert.match(refused.json.error.message, /free some space/);
    }
    freeDisk();
    await cluster.master.until(/the store can be written again: jobs go on/);
    await cluster.until('it goes on', ({ jobs }) => jobs[id]?.tasks.done > job.tasks.done);
    assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
  });

  test('a master that is killed while the disk is full loses nothing', async () => {
    const id = await startLongJob();
    fillDisk();
    await untilPausedByDisk(id);
    await cluster.killMaster();
    freeDisk();
    await cluster.restartMaster();
    assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
  });

  test('a master cannot start on a read-only folder, says why, and goes on later', async () => {
    const id = await startLongJob();
    await cluster.killMaster();
    const state = cluster.file('state');
    await command('mount', '-o', 'remount,bind,ro', state);
    cluster.beginMaster();
    assert.deepEqual(await cluster.master.ended, { code: 1, signal: null });
    const [line] = cluster.master.lines;
    assert.match(line, /state\/lock: .*Read-only file system; choose another with --state-dir/);
    await command('mount', '-o', 'remount,bind,rw', state);
    await cluster.restartMaster();
    assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
  });
});

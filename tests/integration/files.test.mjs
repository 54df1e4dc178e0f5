// What a job of a stranger can do with the files of the master's PC: read tables below Data/, and
// make files there. Nothing else is read, replaced, or told of.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;
const secret = 'SECRET_KEY=hunter2\nDB=postgres://u:p@h\n';

before(async () => {
  const mask = process.umask(0);
  cluster = await Cluster.start({ prepare: makeTraps });
  process.umask(mask);
  await cluster.startWorker();
});
after(() => cluster?.close());

/** @param {string} folder */
function makeTraps(folder) {
  const data = (/** @type {string} */ name) => join(folder, 'Data', name);
  writeFileSync(join(folder, '.env'), secret);
  writeFileSync(data('.env'), secret);
  writeFileSync(join(folder, 'run.sh'), '#!/bin/sh\necho the real one\n', { mode: 0o755 });
  mkdirSync(join(folder, '.git/hooks'), { recursive: true });
  symlinkSync('/etc/passwd', data('link.csv'));
  symlinkSync('/etc', data('etc'));
  symlinkSync('/dev/zero', data('zero'));
  symlinkSync('loop', data('loop'));
  symlinkSync('../.env', data('env.csv'));
  execFileSync('mkfifo', [data('fifo')]);
}

/**
 * A job's fate: what it was answered, or how it ended.
 * @param {string} type @param {object} params
 * @returns {Promise<{status: number, state: string, message: string, id: number}>}
 */
async function fateOf(type, params) {
  const answer = await cluster.ask('/api/v1/jobs', { method: 'POST', body: { type, params } });
  if (answer.status !== 201) {
    return { status: answer.status, state: '', message: answer.json.error.message, id: 0 };
  }
  const job = await cluster.whenOver(answer.json.id);
  return { status: 201, state: job.state, message: job.error?.message ?? '', id: answer.json.id };
}

/** @param {string} type @param {object} params */
async function refused(type, params) {
  const fate = await fateOf(type, params);
  const what = `${type} ${JSON.stringify(params).slice(0, 100)}: ${fate.message}`;
  assert.ok(fate.status >= 400 && fate.status < 500, `${fate.status} for ${what}`);
  assert.ok(!fate.message.includes(cluster.folder), what);
  assert.doesNotMatch(fate.message, /SECRET|hunter2|postgres|root:/);
  assert.ok(fate.message.length < 500, what);
  return fate.message;
}

const elsewhere = [
  ...['../x.csv', '/etc/passwd', '/dev/zero', 'Data/link.csv', 'Data/etc/hosts', 'Data/zero'],
  ...['Data/fifo', 'Data/loop', 'Data', '.', '', 'Data/../../x', 'Data/x\0y.csv', '.env'],
  ...['Data/.env', 'Data/env.csv', '.git/hooks/pre-commit', 'Data/../.env', 'Data/train.csv/x'],
  ...['/proc/self/environ', 'Data/nofolder/x.csv', `Data/${'a'.repeat(300)}`, 'a/'.repeat(3000)],
  ...['state/netcompute.db', 'state/lock', 'state/endpoints.json', 'config.json', 'run.sh'],
];

for (const key of ['data', 'model', 'labels']) {
  test(`"${key}" reads nothing but files below Data/`, async () => {
    for (const path of elsewhere) {
      if (key === 'labels' && path === '') continue; // None are asked for.
      await refused(key === 'data' ? 'train' : 'predict', { [key]: path });
    }
  });
}

for (const key of ['model', 'output']) {
  test(`"${key}" writes nothing but files below Data/, and through no link`, async () => {
    for (const path of elsewhere) await refused('train', { [key]: path });
    assert.equal(lstatSync(cluster.file('Data/link.csv')).isSymbolicLink(), true);
    assert.match(cluster.read('run.sh'), /the real one/);
    assert.equal(statSync(cluster.file('run.sh')).mode & 0o777, 0o755);
    assert.deepEqual(readdirSync(cluster.file('.git/hooks')), []);
  });
}

test('a job replaces neither what it reads nor a file of a user', async () => {
  const train = cluster.read('Data/train.csv');
  for (const output of ['Data/train.csv', 'train.csv', 'Data/./train.csv', 'Data/test.csv']) {
    await refused('train', { output });
  }
  await refused('train', { model: 'Data/same', output: 'same' });
  const mine = cluster.file('Data/mine.csv');
  writeFileSync(mine, 'what a user wrote\n');
  const message = await refused('train', { output: 'Data/mine.csv' });
  assert.match(message, /params\.output: Data\/mine\.csv: is there already.*another name/);
  assert.equal(cluster.read('Data/train.csv'), train);
  assert.equal(cluster.read('Data/mine.csv'), 'what a user wrote\n');
});

test('an executable file is not replaced, not even under a default name', async () => {
  const file = cluster.file('Data/submission_train.csv');
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  assert.match(await refused('train', {}), /submission_train\.csv: is executable/);
  chmodSync(file, 0o644);
  const result = await cluster.run('train', {});
  assert.deepEqual(result.files, {
    model: 'Data/model.json',
    submission: 'Data/submission_train.csv',
  });
  assert.match(cluster.read('Data/submission_train.csv'), /^PassengerId,Survived\n/);
});

test('jobs replace what jobs made, also after a restart, until a user writes there', async () => {
  const params = { output: 'Data/again.csv', model: 'Data/again.json' };
  await cluster.run('train', params);
  await cluster.run('train', params);
  await cluster.killMaster();
  await cluster.restartMaster();
  await cluster.run('train', params);
  writeFileSync(cluster.file('Data/again.csv'), 'of a user now\n');
  assert.match(await refused('train', params), /Data\/again\.csv: is there already/);
  assert.equal(cluster.read('Data/again.csv'), 'of a user now\n');
});

test('two jobs at a time do not write one file, but for the defaults', async () => {
  const waiting = await cluster.submit('train', { output: 'Data/one.csv', model: 'Data/m1.json' });
  await cluster.ask(`/api/v1/jobs/${waiting}/pause`, { method: 'POST' });
  const params = { output: 'Data/one.csv', model: 'Data/m2.json' };
  const message = await refused('train', params);
  assert.match(message, new RegExp(`Data/one\\.csv: job ${waiting}, which is not over, writes it`));
  await cluster.ask(`/api/v1/jobs/${waiting}`, { method: 'DELETE' });
  await cluster.run('train', params);
  const both = await Promise.all([cluster.submit('train', {}), cluster.submit('train', {})]);
  for (const id of both) await cluster.resultOf(id);
});

test('a link that is made while the job computes is not followed', async () => {
  const params = { output: 'Data/late.csv', model: 'Data/late.json' };
  const id = await cluster.submit('train', params, { priority: -1 });
  const paused = await cluster.ask(`/api/v1/jobs/${id}/pause`, { method: 'POST' });
  assert.equal(paused.status, 200, paused.text);
  writeFileSync(cluster.file('victim'), 'untouched\n');
  symlinkSync('../victim', cluster.file('Data/late.csv'));
  await cluster.ask(`/api/v1/jobs/${id}/resume`, { method: 'POST' });
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Failed');
  assert.match(job.error.message, /Data\/late\.csv: is a link/);
  assert.equal(cluster.read('victim'), 'untouched\n');
});

test('no viewer sees where on the disk the folder lies', async () => {
  const id = await cluster.submit('train', {});
  await cluster.resultOf(id);
  const failed = await cluster.submit('predict', { data: 'Data/train.csv', id: 'Survived' });
  await cluster.whenOver(failed);
  const feed = cluster.openFeed();
  try {
    const targets = ['/api/v1/jobs', `/api/v1/jobs/${id}`, `/api/v1/jobs/${failed}`];
    targets.push(`/api/v1/jobs/${id}/receipt`, '/api/v1/cluster', '/metrics');
    for (const target of targets) {
      const answer = await cluster.ask(target);
      assert.equal(answer.status, 200, target);
      assert.ok(!answer.text.includes(cluster.folder), target);
    }
    const state = await feed.until('a snapshot', (now) => now);
    assert.ok(!JSON.stringify(state).includes(cluster.folder));
  } finally {
    feed.close();
  }
});

test('a file that is no table is not quoted', async () => {
  writeFileSync(cluster.file('Data/notes.txt'), secret);
  const { state, message } = await fateOf('train', { data: 'Data/notes.txt' });
  assert.equal(state, 'Failed');
  assert.doesNotMatch(message, /SECRET|hunter2|postgres/);
});

test('a table of 20,000 columns is refused, and the master takes no memory for it', async () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(',');
  writeFileSync(cluster.file('Data/wide.csv'), `PassengerId,Survived,${names}\n`);
  const { state, message } = await fateOf('train', { data: 'Data/wide.csv' });
  assert.equal(state, 'Failed');
  assert.match(message, /Data\/wide\.csv: has 20002 columns; a table may have 16384/);
});

test('with umask 000 the state is its user’s alone, and what jobs make is for all to read', () => {
  const modes = execFileSync('find', [cluster.file('state'), '-printf', '%y %m %P\n'], {
    encoding: 'utf8',
  });
  for (const line of modes.trim().split('\n')) assert.match(line, /^(d 700|[fs] 600) ?/);
  assert.match(modes, /f 600 netcompute\.db\n/);
  assert.match(modes, /f 600 endpoints\.json\n/);
  assert.equal(statSync(cluster.file('Data/model.json')).mode & 0o7777, 0o644);
});

test('nothing is left beside the files', () => {
  const names = readdirSync(cluster.file('Data'));
  assert.deepEqual(
    names.filter((name) => name.includes('tmp')),
    [],
  );
  assert.equal(existsSync(cluster.file('Data/same')), false);
});

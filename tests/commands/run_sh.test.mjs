/** run.sh: what it leaves, what it says and with which status it ends, whatever happens to it. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { makeClone as makeCloneWith } from '../support/clone.mjs';
import { freePorts } from '../support/cluster.mjs';

/** @type {string[]} */
const folders = [];
after(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

/** @param {object} dashboard of config.json */
function makeClone(dashboard = { port: 0 }) {
  const folder = makeCloneWith(freePorts({ dashboard }));
  folders.push(folder);
  return folder;
}

/** @param {string} folder @param {string[]} given */
function run(folder, ...given) {
  const child = spawn('./run.sh', given, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text) => (output.out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (output.err += text));
  const ended = once(child, 'close').then(([status]) => ({ status, ...output }));
  /** Until the master's log says `words`. @param {string} words */
  const said = async (words) => {
    while (!output.err.includes(words)) {
      await Promise.race([
        once(child.stderr, 'data'),
        ended.then(({ err }) => assert.fail(`run.sh ended before "${words}":\n${err}`)),
      ]);
    }
  };
  return { child, ended, said };
}

/** The processes that work in a folder, as "pid name". @param {string} folder */
function processesIn(folder) {
  return fs.readdirSync('/proc').flatMap((pid) => {
    try {
      if (!/^\d+$/.test(pid) || fs.readlinkSync(`/proc/${pid}/cwd`) !== folder) return [];
      return [`${pid} ${fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim()}`];
    } catch {
      return []; // It has ended meanwhile, or is another user's.
    }
  });
}

/** @param {string} path */
const lineCount = (path) => fs.readFileSync(path, 'utf8').trimEnd().split('\n').length;

test('--once writes both files of predictions, prints the figures and ends with 0', async () => {
  const folder = makeClone();
  const { status, out, err } = await run(folder, '--once').ended;
  assert.equal(status, 0, err);
  assert.equal(lineCount(join(folder, 'Data/submission_train.csv')), 892);
  assert.equal(lineCount(join(folder, 'Data/submission_test.csv')), 419);
  assert.match(out, /add a PC +http:\/\/127\.0\.0\.1:\d+\/worker\n/);
  assert.match(out, /train: accuracy 0\.7778/);
  assert.match(out, /model_sha256 [0-9a-f]{64}\n/);
  assert.deepEqual(processesIn(folder), []);
});

test('files that a run before wrote do not make up for those of this one', async () => {
  const folder = makeClone();
  fs.rmSync(join(folder, 'Data/train.csv'));
  for (const name of ['submission_train.csv', 'submission_test.csv']) {
    fs.writeFileSync(join(folder, 'Data', name), 'PassengerId,Survived\n');
  }
  const { status, err } = await run(folder, '--once').ended;
  assert.notEqual(status, 0);
  assert.match(err, /Data\/train\.csv: there is no such file/);
  assert.deepEqual(processesIn(folder), []);
});

test('a port in use ends it with an error that names the port and who has it', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const folder = makeClone({ port: address.port });
  const { status, err } = await run(folder, '--once').ended;
  server.close();
  assert.equal(status, 1);
  assert.match(err, new RegExp(`127\\.0\\.0\\.1:${address.port}.*in use by .*${process.pid}`));
  assert.equal(fs.existsSync(join(folder, 'Data/submission_train.csv')), false);
  assert.deepEqual(processesIn(folder), []);
});

for (const [signal, expected] of /** @type {[NodeJS.Signals, number][]} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  test(`${signal} stops worker and master, in that order`, async () => {
    const folder = makeClone();
    const { child, ended, said } = run(folder, '--mode', 'serve');
    await said('joined with');
    child.kill(signal);
    const { status, err } = await ended;
    assert.equal(status, expected);
    assert.match(err, /joined with(?:.|\n)*(?:left|disconnected)/, 'the worker went first');
    assert.deepEqual(processesIn(folder), []);
  });
}

/** @type {[string, RegExp][]} */
const deaths = [
  ['netcompute-work', /the worker ended with status 137, so the master stops/],
  ['netcompute-mast', /^/],
];
for (const [name, message] of deaths) {
  test(`when ${name}… dies, the other one stops too and the status says so`, async () => {
    const folder = makeClone();
    const { ended, said } = run(folder, '--mode', 'serve');
    await said('joined with');
    const victim = processesIn(folder).find((process) => process.endsWith(name));
    assert.ok(victim);
    process.kill(Number.parseInt(victim, 10), 'SIGKILL');
    const { status, err } = await ended;
    assert.notEqual(status, 0);
    assert.match(err, message);
    assert.deepEqual(processesIn(folder), []);
  });
}

test('files are named from where the user stands', async () => {
  const folder = makeClone();
  fs.mkdirSync(join(folder, 'Data/mine'));
  fs.renameSync(join(folder, 'Data/train.csv'), join(folder, 'Data/mine/rows.csv'));
  const child = spawn('../run.sh', ['--once', '--train-data=mine/rows.csv'], {
    cwd: join(folder, 'Data'),
    stdio: 'ignore',
  });
  const [status] = await once(child, 'close');
  assert.equal(status, 0);
  assert.equal(lineCount(join(folder, 'Data/submission_train.csv')), 892);
});

test('--help says what there is, and starts nothing', async () => {
  const folder = makeClone();
  const { status, out } = await run(folder, '--help').ended;
  assert.equal(status, 0);
  assert.match(out, /--once/);
  assert.equal(fs.existsSync(join(folder, 'state')), false);
});

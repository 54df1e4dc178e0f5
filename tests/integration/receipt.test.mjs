// A job's receipt, read by a program that knows nothing but docs/receipt.md, and verified by the
// master's own command.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster, makeFolder, masterProgram } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

/** @type {Cluster} */
let cluster;
/** Of a training on the Titanic. */
let receipt = '';
let trainingId = 0;

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker({ name: 'lab-1' });
  await cluster.startWorker({ name: 'lab-2' });
  trainingId = await cluster.submit('train', { data: 'train.csv' });
  await cluster.resultOf(trainingId);
  receipt = await fetchReceipt(trainingId);
});
after(() => cluster?.close());

/** @param {number} id */
async function fetchReceipt(id) {
  const answer = await cluster.ask(`/api/v1/jobs/${id}/receipt`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(
    answer.headers['content-disposition'],
    `attachment; filename="job-${id}-receipt.json"`,
  );
  return answer.text;
}

/** @param {string} text */
function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Likewise by docs/receipt.md. @param {string[]} results */
function resultsSha256(results) {
  const digests = results.map((result) => result.slice(0, 64)).join('');
  return createHash('sha256').update(Buffer.from(digests, 'hex')).digest('hex');
}

/** The rule of docs/receipt.md. @param {string} text */
function rootOf(text) {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  return sha256(text.slice(0, end));
}

/** A changed receipt with the root that fits it. @param {string} text */
function withRightRoot(text) {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  return `${text.slice(0, end)}"root_sha256": "${rootOf(text)}"}\n`;
}

/**
 * Writes a receipt beside Data/ and verifies it there.
 * @param {string} text @param {string[]} args
 */
async function verify(text, ...args) {
  writeFileSync(cluster.file('receipt.json'), text);
  const command = ['verify', 'receipt.json', ...args];
  return runProgram(masterProgram, command, { cwd: cluster.folder });
}

test('a receipt says what was computed from what, and who gave each result', async () => {
  const document = JSON.parse(receipt);
  assert.equal(document.format, 'netcompute-receipt');
  assert.equal(document.root_sha256, rootOf(receipt));
  const { id, type, params, state } = document.job;
  assert.deepEqual(
    [id, type, params, state],
    [trainingId, 'train', { data: 'train.csv' }, 'Succeeded'],
  );
  assert.deepEqual(document.inputs, [
    { name: 'data', path: 'Data/train.csv', sha256: sha256(cluster.read('Data/train.csv')) },
  ]);
  assert.deepEqual(document.kernels, ['linear_scores@1', 'logistic_newton@1']);
  const job = (await cluster.ask(`/api/v1/jobs/${trainingId}`)).json;
  assert.deepEqual(document.result, job.result);
  const sum = (/** @type {any[]} */ all, /** @type {string} */ key) =>
    all.reduce((total, one) => total + one[key], 0);
  assert.equal(sum(document.rounds, 'task_count'), job.tasks.done);
  assert.equal(sum(document.workers, 'results'), job.tasks.done);
  assert.equal(sum(document.workers, 'confirmed'), sum(document.rounds, 'confirmed'));
  const known = new Map(document.workers.map((/** @type {any} */ one) => [one.number, one]));
  const [first, ...others] = document.rounds;
  assert.equal(first.results.length, first.task_count);
  for (const result of first.results) {
    const [, worker] = /^[0-9a-f]{64} (\d+) [01]$/.exec(result) ?? assert.fail(result);
    assert.match(known.get(Number(worker))?.name, /^lab-[12]$/);
  }
  assert.equal(resultsSha256(first.results), first.results_sha256);
  for (const round of others) {
    assert.match(round.state_sha256, /^[0-9a-f]{64}$/);
    assert.ok(JSON.stringify(round).length < 1000);
  }
});

test('every job type that ran here verifies, whole and by sample', async () => {
  const jobs = [trainingId];
  for (const [type, params] of /** @type {[string, object][]} */ ([
    ['predict', { data: 'test.csv', labels: 'Data/test_labels.csv' }],
    ['monte_carlo_pi', { samples: 30 * 2 ** 22, seed: 5 }],
    ['noop', { task_count: 1000, payload_bytes: 16 }],
  ])) {
    const id = await cluster.submit(type, params);
    await cluster.resultOf(id);
    jobs.push(id);
  }
  for (const id of jobs) {
    const text = await fetchReceipt(id);
    for (const sample of ['all', '3']) {
      const { code, stdout, stderr } = await verify(text, '--sample', sample);
      assert.equal(code, 0, `job ${id}, sample ${sample}: ${stdout}${stderr}`);
      assert.match(stdout, /^verified {4}all of it agrees with the receipt$/m);
      assert.match(stdout, sample === 'all' ? /all \d+ tasks of \d+ rounds/ : /\d+ of \d+ tasks/);
    }
  }
});

test('a reader with nothing but the receipt and the table verifies it elsewhere', async () => {
  const folder = makeFolder();
  const elsewhere = makeFolder();
  writeFileSync(`${elsewhere}/cited.json`, receipt);
  const { code, stdout, stderr } = await runProgram(
    masterProgram,
    ['verify', 'cited.json', '--sample', 'all', '--root', folder],
    { cwd: elsewhere },
  );
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, new RegExp(rootOf(receipt)));
});

test('a result that nobody computed is found, with its round, task and worker', async () => {
  const [, result] = /"([0-9a-f]{64} \d+ [01])"/.exec(receipt) ?? assert.fail();
  const flipped = (result[0] === '0' ? '1' : '0') + result.slice(1);
  const changed = receipt.replace(result, flipped);
  const obvious = await verify(withRightRoot(changed), '--sample', 'all');
  assert.equal(obvious.code, 2);
  assert.match(obvious.stderr, /round 0: results: they are not those of its results_sha256/);
  const [first] = JSON.parse(changed).rounds;
  const forged = changed.replace(first.results_sha256, resultsSha256(first.results));
  const { code, stdout } = await verify(withRightRoot(forged), '--sample', 'all');
  assert.equal(code, 1);
  assert.match(stdout, /^DIFFERENT {3}round 0 task 0: native worker lab-[12] \(.+\) gave /m);
  assert.doesNotMatch(stdout, /verified/);
});

test('a changed byte and a file that was cut are found before anything else', async () => {
  for (const [changed, says] of /** @type {[string, RegExp][]} */ ([
    [
      receipt.replace('"params":', '"params": '),
      /receipt\.json: it was changed after it was written/,
    ],
    [receipt.slice(0, -100), /receipt\.json: its last line is not/],
    ['', /receipt\.json: its last line is not/],
  ])) {
    const { code, stderr } = await verify(changed);
    assert.equal(code, 2);
    assert.match(stderr, says);
  }
});

test('another table, or none, is told apart from a false result', async () => {
  const table = cluster.file('Data/train.csv');
  const text = readFileSync(table, 'utf8');
  writeFileSync(table, text.replace('male', 'female'));
  const changed = await verify(receipt);
  cpSync(table, cluster.file('Data/other.csv'));
  writeFileSync(table, text);
  assert.equal(changed.code, 2);
  assert.match(changed.stderr, /input data: .*train\.csv is not the file that the job read/);

  const missing = await verify(receipt, '--root', cluster.file('state'));
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /input data: Data\/train\.csv is not below .*--root/);
});

test('a command that makes no sense says why', async () => {
  for (const args of [
    ['--sample', '0'],
    ['--sample', 'some'],
    ['--sample', '-1'],
    ['--seed', 'x'],
  ]) {
    const { code, stderr } = await verify(receipt, ...args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stderr, /--s(ample|eed)/);
  }
  const none = await runProgram(masterProgram, ['verify', 'nowhere.json'], { cwd: cluster.folder });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /nowhere\.json/);
});

test('a job without a receipt answers 404 and says why', async () => {
  const waiting = await cluster.submit('monte_carlo_pi', { samples: 20_000 * 2 ** 22 });
  const early = await cluster.ask(`/api/v1/jobs/${waiting}/receipt`);
  assert.deepEqual([early.status, early.json.error.code], [404, 'not_found']);
  assert.match(early.json.error.message, /not over yet/);
  await cluster.ask(`/api/v1/jobs/${waiting}`, { method: 'DELETE' });
  const cancelled = await cluster.ask(`/api/v1/jobs/${waiting}/receipt`);
  assert.equal(cancelled.status, 404);
  assert.match(cancelled.json.error.message, /Cancelled and has left no receipt/);
  for (const unknown of ['999999', 'x']) {
    assert.equal((await cluster.ask(`/api/v1/jobs/${unknown}/receipt`)).status, 404);
  }
});

test('a receipt is the same bytes always, also after the master was killed', async () => {
  assert.equal(await fetchReceipt(trainingId), receipt);
  await cluster.killMaster();
  await cluster.restartMaster();
  assert.equal(await fetchReceipt(trainingId), receipt);
});

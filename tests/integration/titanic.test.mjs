// The shipped Titanic files, from the command line: the figures that scikit-learn gives, whole
// submissions, exit statuses.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster, freePorts, makeFolder, masterProgram, writeJson } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

/** scikit-learn 1.2's LogisticRegression(C=1.0, penalty='l2'), to full convergence. */
const weightsExpected = {
  Pclass: 0.977192610818,
  Sex: 1.281100911938,
  Age: 0.479155248745,
  SibSp: 0.344302355604,
  Parch: 0.002413789626,
};

/** @type {Cluster} */
let cluster;

/** Runs a master until its job has ended; the worker is there. @param {string[]} args */
async function runOnce(...args) {
  await cluster.killMaster();
  await cluster.restartMaster([...args, '--once']);
  const { code } = await cluster.master.ended;
  return { code, stdout: cluster.master.stdout, stderr: cluster.master.stderr };
}

/** The ids of a table's rows, in order. @param {string} table */
function ids(table) {
  return cluster
    .read(table)
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(',')[0]);
}

/** A submission is complete, in the table's order, and says 0 or 1 of everyone.
 * @param {string} submission @param {string} table */
function assertComplete(submission, table) {
  const lines = cluster.read(submission).split('\n');
  assert.equal(lines.shift(), 'PassengerId,Survived');
  assert.equal(lines.pop(), '', 'the last line ends');
  assert.deepEqual(
    lines.map((line) => line.split(',')[0]),
    ids(table),
  );
  for (const line of lines) assert.match(line, /^\d+,[01]$/);
}

function outputs() {
  return ['model.json', 'submission_train.csv', 'submission_test.csv'].map((name) =>
    cluster.read(`Data/${name}`),
  );
}

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
});
after(() => cluster?.close({ masterMayEnd: true }));

test('predicting before training fails with exit status 1 and says to train first', async () => {
  const folder = makeFolder();
  try {
    writeJson(folder, 'config.json', freePorts());
    const args = ['--config', 'config.json', '--mode', 'predict', '--once'];
    const { code, stderr } = await runProgram(masterProgram, args, { cwd: folder });
    assert.equal(code, 1, stderr);
    assert.match(stderr, /model\.json: there is no model yet; train first/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('training gives the weights and figures of scikit-learn, and a whole submission', async () => {
  const { code, stdout, stderr } = await runOnce('--mode', 'train');
  assert.equal(code, 0, stderr);
  for (const [feature, expected] of Object.entries(weightsExpected)) {
    const weight = stdout.match(new RegExp(`weight ${feature}\\S* +([-+][0-9.]+)`));
    assert.ok(weight, `${feature} is not in ${stdout}`);
    assert.ok(Math.abs(Math.abs(Number(weight[1])) - expected) < 1e-8, weight[0]);
  }
  assert.match(stdout, /^train: accuracy 0\.7778\b/m);
  assert.match(stdout, /^model_sha256 [0-9a-f]{64}$/m);
  assertComplete('Data/submission_train.csv', 'Data/train.csv');
});

test('predicting gives the figures of scikit-learn, and a whole submission', async () => {
  const { code, stdout, stderr } = await runOnce('--mode', 'predict');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^test: accuracy 0\.7823, .*AUC 0\.81781$/m);
  assertComplete('Data/submission_test.csv', 'Data/test.csv');
});

test('training with --test-data does both, and writes the same bytes as before', async () => {
  const before = outputs();
  for (const name of ['model.json', 'submission_train.csv', 'submission_test.csv']) {
    rmSync(cluster.file(`Data/${name}`));
  }
  const { code, stdout, stderr } = await runOnce('--mode', 'train', '--test-data', 'Data/test.csv');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^train: accuracy 0\.7778\b/m);
  assert.match(stdout, /^test: accuracy 0\.7823, .*AUC 0\.81781$/m);
  assert.deepEqual(outputs(), before);
});

test('the model says everything, and its hash is that of its weights', async () => {
  const model = JSON.parse(cluster.read('Data/model.json'));
  assert.match(model.model_sha256, /^[0-9a-f]{64}$/);
  assert.match(cluster.master.stdout, new RegExp(`model_sha256 ${model.model_sha256}`));
});

test('without --once the master stays up when its job has ended', async () => {
  await cluster.killMaster();
  await cluster.restartMaster(['--mode', 'train']);
  await cluster.master.until(/^wrote .*submission_train\.csv/);
  assert.equal((await cluster.ask('/healthz')).status, 200);
});

test('a master that is stopped before its job has ended does not claim success', async () => {
  await cluster.killMaster();
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.restartMaster(['--mode', 'train', '--once']);
  await cluster.master.until(/waits for workers/);
  cluster.master.kill('SIGTERM');
  assert.deepEqual(await cluster.master.ended, { code: 1, signal: null });
});

test('--once without a job to wait for is refused', async () => {
  await cluster.killMaster();
  const args = ['--config', 'config.json', '--mode', 'serve', '--once'];
  const { code, stderr } = await runProgram(masterProgram, args, { cwd: cluster.folder });
  assert.equal(code, 1);
  assert.match(stderr, /--once: there is no job to wait for/);
});

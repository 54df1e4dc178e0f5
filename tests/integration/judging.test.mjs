// Evaluations and searches over workers that come and die: the bits of a single process, the model
// of a training, and refusals before anything is computed.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Cluster, generateTable, referenceSha256, repository } from '../support/cluster.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'netcompute-judging-'));
const large = path.join(folder, 'large.csv');
/** @type {Cluster} */
let cluster;

/** By 6 values of C, 5 folds and 3 outer ones: 121 fits and a training. */
const search = {
  grid: { C: [0.001, 0.01, 0.1, 1, 10, 100] },
  outer_folds: 3,
  scoring: 'log_loss',
};
const boosted = {
  algorithm: 'gradient_boosting',
  n_estimators: 20,
  grid: { max_depth: { min: 1, max: 8 }, learning_rate: { min: 0.01, max: 1, scale: 'log' } },
  n_iter: 9,
  factor: 3,
  groups: 'SibSp',
};

before(async () => {
  await generateTable(large, 20_000, 7);
  cluster = await Cluster.start({
    prepare: (root) => {
      cpSync(large, path.join(root, 'Data/large.csv'));
      cpSync(fixture('two').data, path.join(root, 'Data/judging.csv'));
    },
  });
});
after(async () => {
  await cluster?.close();
  rmSync(folder, { recursive: true });
});

test('a search whose workers are killed gives the bits of one process', async () => {
  const expected = referenceSha256('search', { ...search, data: large });
  await cluster.startWorkers(2);
  const id = await cluster.submit('search', { ...search, data: 'Data/large.csv' });
  let isOver = false;
  const over = cluster.resultOf(id).finally(() => (isOver = true));
  for (let killed = 0; killed < 2; ++killed) {
    const { tasks_done: done } = (await cluster.ask('/api/v1/cluster')).json;
    await cluster.until(
      'more fits are done',
      ({ cluster: now }) => isOver || now.tasks_done > done,
    );
    cluster.workers.find((worker) => !worker.hasEnded)?.kill('SIGKILL');
    await cluster.startWorker();
  }
  const result = await over;
  assert.equal(result.result_sha256, await expected);
  assert.equal(result.fits, 4 * 30 + 3);
  assert.equal(result.outer.folds.length, 3);
  const trained = await cluster.run('train', {
    data: 'Data/large.csv',
    ...result.best_params,
    model: 'Data/again.json',
  });
  assert.equal(trained.model_sha256, result.model_sha256);
  assert.match(cluster.read('Data/search.csv'), /^rank,C,accuracy,/);
});

/** Numbers and classes to predict, by the table's own folds. @param {string} target */
const fixture = (target) => ({
  data: path.join(repository, 'tests/fixtures/learning/judging.csv'),
  target,
  groups: 'part',
  folds: 4,
  columns: Object.fromEntries(
    ['number', 'two', 'three'].filter((name) => name !== target).map((name) => [name, 'ignore']),
  ),
});
const trees = { n_estimators: 5 };

/** Judgings of each family and kind of target: the type, its params, and how many fits they take.
 * @type {[string, Record<string, any>, number][]} */
const judged = [
  ['search', { ...boosted, data: path.join(repository, 'Data/train.csv') }, 9 * 5 + 3 * 5 + 5],
  ['evaluate', { ...fixture('three'), importance_repeats: 3 }, 4],
  ['evaluate', { ...fixture('three'), algorithm: 'gradient_boosting', ...trees }, 4],
  ['evaluate', { ...fixture('number'), algorithm: 'gradient_boosting', ...trees }, 4],
  [
    'search',
    {
      ...fixture('number'),
      algorithm: 'random_forest',
      ...trees,
      folds: 2,
      grid: { max_depth: [2, 6] },
      outer_folds: 2,
    },
    2 * 2 * 3 + 2,
  ],
  [
    'evaluate',
    {
      ...fixture('two'),
      algorithm: 'extra_trees',
      ...trees,
      importance_repeats: 3,
      training_sizes: [0.5],
    },
    8,
  ],
  ['search', { ...fixture('number'), algorithm: 'ridge', grid: { alpha: [0.1, 10] } }, 8],
  ['evaluate', { ...fixture('number'), algorithm: 'lasso', alpha: 0.1 }, 4],
  ['evaluate', { ...fixture('three'), algorithm: 'naive_bayes' }, 4],
  [
    'search',
    { ...fixture('three'), algorithm: 'nearest_neighbors', grid: { n_neighbors: [3, 9] } },
    8,
  ],
  ['evaluate', { ...fixture('number'), algorithm: 'mlp', max_iter: 20 }, 4],
];

test('judgings of every family and target give the bits of one process', async () => {
  for (const [type, params, fits] of judged) {
    const expected = referenceSha256(type, params);
    const data = `Data/${path.basename(params.data)}`;
    const result = await cluster.run(type, { ...params, data });
    assert.equal(result.result_sha256, await expected, JSON.stringify(params));
    assert.equal(result.fits, fits, JSON.stringify(params));
  }
});

test('an evaluation is that of one process, and its predictions predict', async () => {
  const data = path.join(repository, 'Data/train.csv');
  const expected = referenceSha256('evaluate', { data });
  const result = await cluster.run('evaluate', {});
  assert.equal(result.result_sha256, await expected);
  assert.equal(cluster.read('Data/out_of_fold.csv').trim().split('\n').length, 892);
});

test('a bad grid is refused at submission, by name', async () => {
  const answer = await cluster.ask('/api/v1/jobs', {
    method: 'POST',
    body: { type: 'search', params: { grid: { depth: [1] } } },
  });
  assert.equal(answer.status, 400);
  assert.match(answer.json.error.message, /^params\.grid\.depth: is not a parameter of a logistic/);
});

// Forests and clusters from end to end: several workers give what one process gives, classes and
// numbers are predicted, and what cannot be is refused before any task.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;

/** 300 rows: kind and price follow from size and colour. */
const rows = Array.from({ length: 300 }, (_, i) => {
  const size = (i * 37) % 100;
  const colour = ['red', 'green', 'blue'][i % 3];
  const kind = size < 30 ? 'small' : colour === 'red' ? 'loud' : 'quiet';
  return [i + 1, size, colour, kind, size * (colour === 'blue' ? 2.5 : 1.25)];
});

before(async () => {
  cluster = await Cluster.start();
  await Promise.all([cluster.startWorker(), cluster.startWorker()]);
  const lines = [['id', 'size', 'colour', 'kind', 'price'], ...rows];
  writeFileSync(cluster.file('Data/t.csv'), lines.map((line) => line.join(',') + '\n').join(''));
});
after(() => cluster?.close());

const params = { data: 'Data/t.csv', id: 'id', n_estimators: 30, random_state: 4 };

for (const algorithm of ['random_forest', 'extra_trees']) {
  test(`${algorithm} learns classes and numbers, and its model predicts them`, async () => {
    const classes = await cluster.run('train', {
      ...params,
      algorithm,
      target: 'kind',
      columns: { price: 'ignore' },
    });
    assert.equal(classes.metrics.accuracy, 1);
    assert.equal(classes.trees, 30);
    const predicted = await cluster.run('predict', {
      data: 'Data/t.csv',
      columns: { price: 'ignore' },
    });
    assert.equal(predicted.metrics.accuracy, 1);
    assert.equal(predicted.model_sha256, classes.model_sha256);
    const numbers = await cluster.run('train', {
      ...params,
      algorithm,
      target: 'price',
      columns: { kind: 'ignore' },
    });
    assert.ok(numbers.metrics.r2 > 0.98, `r2 ${numbers.metrics.r2}`);
  });
}

test('what a forest cannot do is refused when it is submitted', async () => {
  const refused = { ...params, algorithm: 'extra_trees', target: 'kind', oob_score: 'true' };
  await assert.rejects(cluster.run('train', refused), /params\.oob_score: without draws/);
  const many = { ...params, algorithm: 'random_forest', target: 'kind', max_features: 'most' };
  await assert.rejects(cluster.run('train', many), /max_features/);
});

test('rows that are alike come into one cluster', async () => {
  const result = await cluster.run('cluster', {
    data: 'Data/t.csv',
    id: 'id',
    columns: { kind: 'ignore', price: 'ignore', size: 'ignore' },
    n_clusters: 3,
    n_init: 2,
  });
  assert.deepEqual(result.rows_of_clusters, [100, 100, 100]);
  const lines = readFileSync(cluster.file('Data/clusters.csv'), 'utf8').trim().split('\n');
  assert.equal(lines[0], 'id,cluster,distance');
  const clusters = lines.slice(1).map((line) => line.split(',')[1]);
  clusters.forEach((each, i) => assert.equal(each, clusters[i % 3]));
  const tooMany = { data: 'Data/t.csv', id: 'id', n_clusters: 301 };
  await assert.rejects(cluster.run('cluster', tooMany), /n_clusters: 301 clusters of 300 rows/);
});

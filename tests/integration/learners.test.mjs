// Neural networks, nearest neighbours and naive Bayes from end to end: whoever computes, the model
// is the same, and what cannot be is refused.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;

/** 400 rows: kind is where both numbers are. */
const rows = Array.from({ length: 400 }, (_, i) => {
  const across = ((i * 37) % 101) / 10 - 5;
  const up = ((i * 53) % 89) / 9 - 5;
  return [i + 1, across, up, across * up > 0 ? 'even' : 'odd'];
});

before(async () => {
  cluster = await Cluster.start();
  const lines = [['id', 'across', 'up', 'kind'], ...rows];
  writeFileSync(cluster.file('Data/t.csv'), lines.map((line) => line.join(',') + '\n').join(''));
});
after(() => cluster?.close());

const table = { data: 'Data/t.csv', id: 'id', target: 'kind' };
const network = {
  ...table,
  algorithm: 'mlp',
  hidden_layer_sizes: '16,8',
  learning_rate_init: 0.02,
  batch_size: 20,
  max_iter: 60,
  replicas: 3,
};

test('a model does not depend on how many workers there are', async () => {
  await cluster.startWorker();
  const all = [
    { params: network, accuracy: 0.9 },
    { params: { ...table, algorithm: 'nearest_neighbors', n_neighbors: 3 }, accuracy: 0.9 },
    { params: { ...table, algorithm: 'naive_bayes' }, accuracy: 0.4 },
  ];
  const alone = [];
  for (const { params, accuracy } of all) {
    const trained = await cluster.run('train', params);
    assert.ok(trained.metrics.accuracy > accuracy, `${params.algorithm}`);
    const predicted = await cluster.run('predict', { data: 'Data/t.csv' });
    assert.equal(predicted.model_sha256, trained.model_sha256);
    assert.equal(predicted.metrics.accuracy, trained.metrics.accuracy);
    alone.push([trained.model_sha256, trained.result_sha256]);
  }
  await Promise.all([cluster.startWorker(), cluster.startWorker()]);
  for (const [i, { params }] of all.entries()) {
    const trained = await cluster.run('train', params);
    assert.deepEqual([trained.model_sha256, trained.result_sha256], alone[i]);
  }
});

test('what cannot be learned is refused by name', async () => {
  const refused = [
    [{ ...network, replicas: 60 }, /params\.replicas: 60 is more than the \d+ parts/],
    [{ ...network, hidden_layer_sizes: '12;3' }, /hidden_layer_sizes: .*12;3.* is not 1 to 8/],
    [{ ...network, hidden_layer_sizes: '900,900' }, /900,900.* makes \d+ weights/],
    [
      { ...table, algorithm: 'nearest_neighbors', n_neighbors: 401 },
      /params\.n_neighbors: 401 is more than the 400 rows/,
    ],
  ];
  for (const [params, why] of refused) {
    await assert.rejects(cluster.run('train', params), why);
  }
});

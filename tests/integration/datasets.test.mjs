// A table is read once: by the first job that needs it, also for later ones and later masters.

import assert from 'node:assert/strict';
import { appendFileSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;

beforeEach(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
});
afterEach(() => cluster?.close());

/** How many tables this master has read from their files. */
async function tablesRead() {
  const { text } = await cluster.ask('/metrics');
  return Number(/^netcompute_tables_read_total (\d+)$/m.exec(text)?.[1]);
}

function keptDatasets() {
  return readdirSync(cluster.file('state/datasets')).filter((name) => name !== 'files');
}

test('a second job on a file reads nothing, and neither does the next master', async () => {
  const first = await cluster.run('train');
  const weak = await cluster.run('train', { C: 0.01, model: 'Data/weak.json' });
  assert.notEqual(weak.model_sha256, first.model_sha256);
  assert.equal(await tablesRead(), 1);
  // A prediction of the same file is another job on the same dataset.
  await cluster.run('predict', { data: 'Data/train.csv', output: 'Data/again.csv' });
  assert.equal(await tablesRead(), 1);
  assert.equal(keptDatasets().length, 1);

  await cluster.killMaster();
  await cluster.restartMaster();
  const again = await cluster.run('train');
  assert.equal(again.model_sha256, first.model_sha256);
  assert.equal(await tablesRead(), 0);
});

test('a file that has changed is another table', async () => {
  const first = await cluster.run('train');
  appendFileSync(cluster.file('Data/train.csv'), '9001,1,3,Doe,female,31,0,0\n');
  const second = await cluster.run('train');
  assert.equal(second.rows, first.rows + 1);
  assert.equal(await tablesRead(), 2);
  assert.equal(keptDatasets().length, 2);
});

// A model that leaves as ONNX predicts in another program what it predicts here: every learner, for
// every kind of target, over columns of every kind, with fields that are missing, rare or new.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import * as ort from 'onnxruntime-web';

import { Cluster } from '../support/cluster.mjs';

ort.env.wasm.numThreads = 1;

/** @type {Cluster} */
let cluster;
/** @type {string[]} */
let algorithms = [];

/** Rows of every kind of column; the second table has texts that the first has not.
 * @param {number} count @param {number} from */
function rowsOf(count, from) {
  return Array.from({ length: count }, (_, k) => {
    const i = from + k;
    const size = i % 11 === 3 ? NaN : ((i * 37) % 101) / 4;
    const colour = i % 13 === 5 ? '' : ['red', 'green', 'blue', 'teal', 'grey'][(i * i) % 5];
    const day = new Date(Date.UTC(2023, 0, 1 + ((i * 17) % 400)));
    const yes = i % 3 === 0;
    const score = (Number.isNaN(size) ? 12 : size) + (yes ? 9 : 0) + (colour === 'red' ? 6 : 0);
    return {
      size,
      level: (i * 7) % 5,
      colour: from > 0 && i % 9 === 0 ? 'violet' : colour,
      kind: yes ? 'T' : 'F',
      paid: yes !== (i % 7 === 0) ? 'true' : 'False',
      day,
      two: score + (i % 4) > 20 ? 'high' : 'low',
      three: ['a', 'b', 'c'][Math.min(2, Math.floor((score + (i % 4)) / 14))],
      amount: (score * 1.5 + (i % 6)).toFixed(3),
    };
  });
}

const training = rowsOf(240, 0);
const newRows = rowsOf(80, 1000);
const targets = { classification: ['two', 'three'], regression: ['amount'] };

/** Params of learners whose other forms are other operators. @type {Record<string, any[]>} */
const forms = {
  nearest_neighbors: [{}, { weights: 'distance', n_neighbors: 7 }],
  mlp: [
    {},
    { activation: 'tanh', hidden_layer_sizes: '9,4' },
    { activation: 'logistic' },
  ],
};

/** @param {any[]} rows @param {string} target */
function csv(rows, target) {
  const number = (/** @type {number} */ value) => (Number.isNaN(value) ? '' : String(value));
  const lines = rows.map((row, i) =>
    [
      `r${i}`,
      number(row.size),
      row.level,
      row.colour,
      row.kind,
      row.paid,
      row.day.toISOString().slice(0, 10),
      row[target],
    ].join(','),
  );
  return ['id,size,level,colour,kind,paid,day,y', ...lines].join('\n') + '\n';
}

/** What an input of the ONNX file is given, a row each. @param {string} name @param {any} row */
function field(name, row) {
  const days = row.day.getTime() / 86_400_000;
  if (name === 'day days') return days;
  if (name === 'day month') return row.day.getUTCMonth() + 1;
  if (name === 'day weekday') return (row.day.getUTCDay() + 6) % 7;
  return row[name];
}

/** @param {any} exported @param {any[]} rows */
async function runOnnx(exported, rows) {
  const session = await ort.InferenceSession.create(readFileSync(cluster.file('Data/m.onnx')));
  /** @type {Record<string, any>} */
  const feeds = {};
  for (const name of exported.inputs.numbers) {
    const values = Float64Array.from(rows, (row) => field(name, row));
    feeds[name] = new ort.Tensor('float64', values, [rows.length, 1]);
  }
  for (const name of exported.inputs.texts) {
    const values = rows.map((row) => field(name, row));
    feeds[name] = new ort.Tensor('string', values, [rows.length, 1]);
  }
  return session.run(feeds);
}

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
  const types = await (await fetch(`${cluster.origin}/api/v1/job_types`)).json();
  const train = types.find((/** @type {any} */ type) => type.name === 'train');
  const choice = train.params.find((/** @type {any} */ param) => param.name === 'algorithm');
  algorithms = choice.enum;
});
after(() => cluster?.close());

/** The largest difference of probabilities or, in parts of the number, of predictions.
 * @param {any} answer @param {string} predictions */
function difference(answer, predictions) {
  const lines = predictions.trimEnd().split('\n').slice(1);
  let largest = 0;
  for (const [i, line] of lines.entries()) {
    const [, said, ...shares] = line.split(',');
    if (answer.prediction) {
      const near = Math.abs(Number(answer.prediction.data[i]) - Number(said));
      largest = Math.max(largest, near / Math.max(1, Math.abs(Number(said))));
      continue;
    }
    const width = shares.length;
    for (const [k, share] of shares.entries()) {
      const near = Math.abs(answer.probabilities.data[i * width + k] - Number(share));
      largest = Math.max(largest, near);
    }
    const sorted = shares.map(Number).sort((a, b) => b - a);
    if (sorted[0] - sorted[1] > 1e-6) assert.equal(answer.label.data[i], said, line);
  }
  return largest;
}

test('every learner predicts the same in onnxruntime', async () => {
  assert.ok(algorithms.includes('gradient_boosting'));
  /** @type {Set<string>} */
  const done = new Set();
  const asked = algorithms.flatMap((algorithm) =>
    (forms[algorithm] ?? [{}]).map((form) => ({ algorithm, form })),
  );
  for (const { algorithm, form } of asked) {
    for (const [task, names] of Object.entries(targets)) {
      for (const target of names) {
        writeFileSync(cluster.file('Data/t.csv'), csv(training, target));
        writeFileSync(cluster.file('Data/n.csv'), csv(newRows, target));
        const read = { data: 'Data/t.csv', target: 'y', id: 'id', max_categories: 4 };
        const params = { ...read, algorithm, ...form };
        const trained = await cluster.run('train', params).catch((error) => {
          assert.match(error.message, /classes|class|number/, `${algorithm} ${task}`);
          return undefined;
        });
        if (!trained) continue;
        const output = { output: 'Data/o.csv', probabilities: 'columns' };
        await cluster.run('predict', { data: 'Data/n.csv', ...output });
        const exported = await cluster.run('export', { output: 'Data/m.onnx' });
        assert.equal(exported.model_sha256, trained.model_sha256);
        const answer = await runOnnx(exported, newRows);
        const largest = difference(answer, cluster.read('Data/o.csv'));
        assert.ok(largest < 1e-6, `${algorithm} of ${target}: ${largest}`);
        done.add(algorithm);
      }
    }
  }
  assert.deepEqual([...done].sort(), [...algorithms].sort());
});

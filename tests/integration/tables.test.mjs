// Tables as Excel, R and pandas write them: the same table in every dress is the same model, to the
// hash, and what is odd in one is told of with line and field.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;
/** @type {any} of the plain table */
let plain;

/** 60 rows of id, amount, salary, colour and left. @type {string[][]} */
const rows = Array.from({ length: 60 }, (_, i) => [
  String(i + 1),
  (20 + ((i * 37) % 50) + 0.25).toString(),
  String(10_000 + ((i * 7919) % 80_000)),
  ['red', 'green', 'blue'][(i * 5) % 3],
  (i * 37) % 50 > 20 !== (i % 7 === 0) ? '1' : '0',
]);
const header = ['id', 'amount', 'salary', 'colour', 'left'];

/** The table as text. @param {(field: string, column: number) => string} dress
 * @param {string} separator */
function table(dress = (field) => field, separator = ',') {
  const lines = [header, ...rows.map((row) => row.map(dress))];
  return lines.map((line) => line.join(separator) + '\n').join('');
}

/** @param {string | Uint8Array} content @param {object} [params] */
function train(content, params = {}) {
  writeFileSync(cluster.file('Data/t.csv'), content);
  return cluster.run('train', { data: 'Data/t.csv', target: 'left', id: 'id', ...params });
}

/** The message of a training that fails. @param {string} content @param {object} [params] */
async function refusal(content, params = {}) {
  const failure = await train(content, params).then(
    () => assert.fail('it must not succeed'),
    (error) => String(error.message),
  );
  return failure;
}

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
  plain = await train(table());
  assert.deepEqual(plain.notes, []);
});
after(() => cluster?.close());

const comma = (/** @type {string} */ field) => field.replace('.', ',');

/** @type {[string, string | Uint8Array, RegExp[]][]} */
const dresses = [
  ['semicolons and decimal commas', table(comma, ';'), [/decimal commas/]],
  ['tabs', table(undefined, '\t'), []],
  ['bars', table(undefined, '|'), []],
  ['blanks', table(undefined, '  '), []],
  ['a sep= line', 'sep=;\n' + table(undefined, ';'), [/the header is line 2/]],
  ['gzip', gzipSync(table()), []],
  ['UTF-16', Buffer.from('\ufeff' + table(undefined, '\t'), 'utf16le'), []],
  ['a comment', '# made by hand\n' + table(), [/begin with # are comments/]],
  ['CRLF and a byte order mark', '\ufeff' + table().replaceAll('\n', '\r\n'), []],
  ['blanks after commas', table(undefined, ', '), [/"colour": blanks around its fields/]],
  ['commas at the end of lines', table().replaceAll('\n', ',\n'), [/"Unnamed: 5": left out/]],
  ['rows of commas at the end', table() + ',,,,\n,,,,\n', [/2 rows of empty fields only/]],
  [
    'thousands',
    table((f, i) => (i === 2 ? `"${f.slice(0, -3)},${f.slice(-3)}"` : f)),
    [/60 fields/],
  ],
  ['no-break spaces', table((f, i) => (i === 1 ? f + '\u00a0' : f)), []],
];
for (const [name, content, notes] of dresses) {
  test(`${name} make no other model`, async () => {
    const result = await train(content);
    assert.equal(result.model_sha256, plain.model_sha256);
    assert.equal(result.notes.length, notes.length, result.notes.join('; '));
    notes.forEach((note, i) => assert.match(result.notes[i], note));
  });
}

test('the row numbers of R and pandas are no feature, but may name the rows', async () => {
  const numbered = table()
    .split('\n')
    .map((line, i) => (line === '' ? line : (i === 0 ? '""' : `"r${i}"`) + ',' + line))
    .join('\n');
  const result = await train(numbered);
  assert.equal(result.model_sha256, plain.model_sha256);
  assert.match(result.notes.join(), /"Unnamed: 0": left out/);
  const byNumber = await train(numbered, { id: undefined, columns: { id: 'ignore' } });
  assert.equal(byNumber.model_sha256, plain.model_sha256);
  assert.match(cluster.read('Data/submission_train.csv'), /^Unnamed: 0,left\nr1,/);
});

test('a table without an id has its rows numbered, also in a prediction', async () => {
  const bare = table().replaceAll(/^[^,]*,/gm, '');
  const result = await train(bare, { id: undefined });
  assert.equal(result.model_sha256, plain.model_sha256);
  assert.match(result.notes.join(), /numbered from 1/);
  await cluster.run('predict', { data: 'Data/t.csv', output: 'Data/o.csv' });
  assert.match(cluster.read('Data/o.csv'), /^row,left\n1,/);
  assert.equal(cluster.read('Data/o.csv'), cluster.read('Data/submission_train.csv'));
});

test('a prediction goes by the id of its model, whatever else may name the rows', async () => {
  await train(table(), { id: undefined });
  const numbered = table()
    .replaceAll(/^(?=.)/gm, '7,')
    .replace('7,', ',');
  writeFileSync(cluster.file('Data/n.csv'), numbered);
  await cluster.run('predict', { data: 'Data/n.csv', output: 'Data/o.csv' });
  assert.match(cluster.read('Data/o.csv'), /^id,left\n1,/);
});

test('one odd field stays one missing number, named with its line', async () => {
  const odd = table((field) => (field === rows[45][2] ? '?' : field));
  const result = await train(odd);
  assert.match(result.notes.join(), /"salary": 1 field that is no number .*line 47: "\?"/);
  const empty = table((field) => (field === rows[45][2] ? '' : field));
  assert.equal((await train(empty)).model_sha256, result.model_sha256);
  assert.equal((await train(odd, { missing: ['?'] })).model_sha256, result.model_sha256);
  assert.match(
    (await train(odd, { columns: { salary: 'category' }, max_categories: 5 })).notes.join(),
    /"salary": its 4 most frequent texts are categories/,
  );
});

test('a model remembers how it was told to read', async () => {
  const told = { reading: { separator: '/', decimal: ',' }, missing: ['red'] };
  const result = await train(table(comma, '/'), told);
  assert.match(JSON.stringify(result.weights), /colour=\(missing\)/);
  await cluster.run('predict', { data: 'Data/t.csv', output: 'Data/o.csv' });
  assert.equal(cluster.read('Data/o.csv'), cluster.read('Data/submission_train.csv'));
});

test('numbers whose score overflows are refused, not scored as no number at all', async () => {
  const pairs = Array.from({ length: 40 }, (_, i) => [(i * 7) % 11, (i * 5) % 13]);
  const lines = pairs.map(([a, b]) => `${a},${b},${a > b ? 1 : 0}\n`);
  await train('a,b,left\n' + lines.join(''), { id: undefined, C: 1e5 });
  writeFileSync(cluster.file('Data/n.csv'), 'a,b\n1,2\n1.5e308,1.5e308\n');
  await assert.rejects(
    cluster.run('predict', { data: 'Data/n.csv', output: 'Data/far.csv' }),
    /line 3 \(row 2\): its numbers are too far/,
  );
  assert.throws(() => cluster.read('Data/far.csv'), 'nothing may be written');
});

test('what cannot be read is refused with line, field and what to do', async () => {
  assert.match(
    await refusal(table((field, i) => (i === 4 && field === '1' ? 'None' : field))),
    /"left\\?": \\?"None\\?" counts as missing, but this is the target/,
  );
  assert.match(await refusal('PK\u0003\u0004'), /a workbook \(xlsx, ods\); save the sheet as CSV/);
  assert.match(await refusal(table() + '61,1,2,red,1,7\n'), /line 62 .* has 6 fields/);
  assert.match(
    await refusal(table(), { reading: { separatr: ';' } }),
    /reading\.separatr: is not known/,
  );
  assert.match(
    await refusal(table(), { columns: { left: 'word' } }),
    /columns\.left: .*is not one of/,
  );
  assert.match(await refusal(table(), { columns: { left: 'ignore' } }), /cannot be passed over/);
  assert.match(await refusal(table(), { columns: { lefd: 'text' } }), /no column .*lefd/);
});

/** 90 flowers of three kinds, with sizes and a weight. */
const flowers = Array.from({ length: 90 }, (_, i) => {
  const kind = i % 3;
  const petal = 10 + 15 * kind + ((i * 37) % 9);
  const sepal = 40 + ((i * 53) % 17);
  return {
    kind: ['setosa', 'virginica', 'versicolor'][kind],
    petal,
    sepal,
    weight: (3 + 0.5 * petal - 0.25 * sepal).toFixed(2),
  };
});

/** @param {(flower: any) => string} target */
const flowerTable = (target) =>
  'id,petal,sepal,y\n' +
  flowers.map((f, i) => `${i},${f.petal},${f.sepal},${target(f)}\n`).join('');

/** Trains, predicts the same table with probabilities, and expects the same predictions.
 * @param {string} content @param {object} params */
async function trainAndPredict(content, params) {
  const trained = await train(content, { target: 'y', ...params });
  const predicted = await cluster.run('predict', { data: 'Data/t.csv', output: 'Data/o.csv' });
  assert.deepEqual(predicted.metrics, trained.metrics);
  assert.equal(cluster.read('Data/o.csv'), cluster.read('Data/submission_train.csv'));
  return { trained, predicted };
}

for (const algorithm of ['logistic_regression', 'gradient_boosting']) {
  test(`${algorithm} learns three classes and predicts them with probabilities`, async () => {
    const { trained, predicted } = await trainAndPredict(
      flowerTable((f) => f.kind),
      { algorithm },
    );
    assert.equal(trained.metrics.accuracy, 1);
    assert.deepEqual(trained.confusion, {
      setosa: { setosa: 30 },
      versicolor: { versicolor: 30 },
      virginica: { virginica: 30 },
    });
    assert.deepEqual(predicted.predicted, { setosa: 30, versicolor: 30, virginica: 30 });
    assert.equal(JSON.parse(cluster.read('Data/model.json')).format_version, 4);
    await cluster.run('predict', {
      data: 'Data/t.csv',
      output: 'Data/o.csv',
      probabilities: 'columns',
    });
    const [head, first] = cluster.read('Data/o.csv').split('\n');
    assert.equal(head, 'id,y,probability setosa,probability versicolor,probability virginica');
    const [id, kind, ...chances] = (first ?? '').split(',');
    assert.deepEqual([id, kind], ['0', 'setosa']);
    assert.ok(Number(chances[0]) > 0.5);
    assert.ok(Math.abs(chances.map(Number).reduce((a, b) => a + b) - 1) < 1e-12);
  });
}

for (const algorithm of [
  'linear_regression',
  'ridge',
  'lasso',
  'elastic_net',
  'gradient_boosting',
]) {
  test(`${algorithm} predicts a number`, async () => {
    const alpha = algorithm === 'ridge' ? { alpha: 0.001 } : {};
    const small = /lasso|elastic/.test(algorithm) ? { alpha: 0.001 } : alpha;
    const { trained, predicted } = await trainAndPredict(
      flowerTable((f) => f.weight),
      { algorithm, ...small },
    );
    assert.ok(trained.metrics.r2 > 0.99, JSON.stringify(trained.metrics));
    assert.ok(trained.metrics.rmse < 0.7);
    const mean = flowers.reduce((sum, f) => sum + Number(f.weight), 0) / flowers.length;
    assert.ok(Math.abs(predicted.predicted_mean - mean) < 0.05);
    assert.equal(JSON.parse(cluster.read('Data/model.json')).classes, null);
  });
}

test('a target that an algorithm cannot take is refused by name', async () => {
  assert.match(
    await refusal(
      flowerTable((f) => f.weight),
      { target: 'y' },
    ),
    /y\\?": holds numbers: .* a logistic regression tells classes apart.*linear_regression/,
  );
  assert.match(
    await refusal(
      flowerTable((f) => f.kind),
      { target: 'y', algorithm: 'ridge' },
    ),
    /y\\?": holds no numbers: .*setosa.*a ridge regression must be numbers.*logistic_regression/,
  );
});

// The API's own description: it is sound, jobs are taken and refused by it, and answers keep to it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { resolve, Validator } from '../support/json_schema.mjs';

/** @type {Cluster} */
let cluster;
/** @type {any} */
let description;
/** @type {any} */
let jobContent;
/** @type {Validator} */
let validator;

before(async () => {
  cluster = await Cluster.start();
  description = (await cluster.ask('/api/v1/openapi.json')).json;
  jobContent = description.paths['/api/v1/jobs'].post.requestBody.content['application/json'];
  validator = new Validator(description);
});
after(() => cluster?.close());

/** @returns {{name: string, path: string, method: string, operation: any}[]} */
const operations = () =>
  Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      return { name: `${method} ${path}`, path, method, operation };
    }),
  );

/** Calls back for every object within. @param {any} value @param {(one: any) => void} look */
function walk(value, look) {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) look(value);
  for (const one of Object.values(value)) walk(one, look);
}

test('every reference leads somewhere, and every schema that there is is used', () => {
  const used = new Set();
  walk(description, ({ $ref }) => {
    if (typeof $ref !== 'string') return;
    resolve(description, $ref);
    used.add($ref.split('/').pop());
  });
  assert.deepEqual([...used].sort(), Object.keys(description.components.schemas).sort());
});

test('every schema is one, and its default and example keep to it', () => {
  let count = 0;
  walk(description, (one) => {
    if (typeof one.type !== 'string' || one.scheme) return; // Of "http" is a way to give a token.
    for (const value of [one.default, one.example]) {
      if (value === undefined) continue;
      assert.deepEqual(validator.faults(one, value), []);
      ++count;
    }
    const fields = Object.keys(one.properties ?? {});
    if (one.type === 'object' && one.required && fields.length > 0) {
      assert.deepEqual(
        one.required.filter((/** @type {string} */ name) => !fields.includes(name)),
        [],
      );
    }
  });
  assert.ok(count > 10, `${count} values`);
});

test('every operation says what it takes, what it answers, and how it refuses', () => {
  for (const { name, path, operation } of operations()) {
    assert.ok(operation.summary, name);
    const parameters = operation.parameters ?? [];
    const inPath = parameters.filter((/** @type {any} */ one) => one.in === 'path');
    assert.deepEqual(
      inPath.map((/** @type {any} */ one) => [`{${one.name}}`, one.required]),
      (path.match(/\{\w+\}/g) ?? []).map((part) => [part, true]),
      name,
    );
    const names = parameters.map((/** @type {any} */ one) => `${one.in} ${one.name}`);
    assert.equal(new Set(names).size, names.length, `${name}: each parameter once`);
    for (const { schema } of parameters) assert.ok(schema, name);
    for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
      assert.ok(description.components.securitySchemes[scheme], `${name}: ${scheme}`);
    }
    const statuses = Object.keys(operation.responses);
    const successes = statuses.filter((status) => /^2\d\d$/.test(status));
    assert.ok(
      successes.length === 1 || (successes.includes('202') && successes.length === 2),
      name,
    );
    assert.ok(statuses.includes('default'), name);
    for (const [status, { description: meaning, content }] of Object.entries(operation.responses)) {
      assert.ok(meaning, `${name} ${status}`);
      const [[type, { schema }], ...more] = Object.entries(content);
      assert.deepEqual(more, [], `${name} ${status}`);
      assert.ok(schema, `${name} ${status}`);
      if (status.startsWith('2')) continue;
      assert.deepEqual([type, schema.$ref], ['application/json', '#/components/schemas/Refusal']);
    }
  }
});

/** @param {unknown} body */
const submit = (body) => cluster.ask('/api/v1/jobs', { method: 'POST', body });

/** That the description and the master judge a job alike.
 * @param {any} job @param {boolean} isGood */
async function assertJudged(job, isGood) {
  const faults = validator.faults(jobContent.schema, job);
  const answer = await submit(job);
  const what = `${JSON.stringify(job)}: ${faults.join('; ')}; ${answer.text}`;
  assert.equal(faults.length === 0, isGood, what);
  assert.equal(answer.status, isGood ? 201 : 400, what);
  if (isGood) await cluster.ask(`/api/v1/jobs/${answer.json.id}`, { method: 'DELETE' });
}

test('the example of each job type keeps to the schema, and is taken', async () => {
  const { json: types } = await cluster.ask('/api/v1/job_types');
  const names = types.map((/** @type {any} */ one) => one.name);
  assert.deepEqual(Object.keys(jobContent.examples).sort(), names.sort());
  for (const { value } of Object.values(jobContent.examples)) {
    assert.deepEqual(validator.faults(jobContent.schema, value), []);
    // These need what a training or a prediction has written, which the master asks for at once.
    if (!['predict', 'export', 'score'].includes(value.type)) await assertJudged(value, true);
  }
});

test('a value out of a parameter’s range is refused by the schema and by the master', async () => {
  let count = 0;
  for (const { properties } of jobContent.schema.oneOf) {
    const type = properties.type.enum[0];
    const params = jobContent.examples[type].value.params;
    for (const [name, schema] of Object.entries(properties.params.properties)) {
      const empty = schema.type === 'array' ? {} : [];
      const bad = [null, empty, schema.type === 'string' ? 7 : 'seven'];
      if (schema.type === 'integer') bad.push(1.5);
      if ('minimum' in schema)
        bad.push(schema.exclusiveMinimum ? schema.minimum : schema.minimum - 1);
      if (schema.maximum < 2 ** 52) bad.push(schema.maximum + 1);
      if (schema.enum) bad.push('none of them');
      for (const value of bad) {
        await assertJudged({ type, params: { ...params, [name]: value } }, false);
        ++count;
      }
    }
    await assertJudged({ type, params: { ...params, surely_unknown: 1 } }, false);
  }
  assert.ok(count > 40, `${count} values`);
});

test('what a job has besides its params is judged alike too', async () => {
  /** @type {[object, boolean][]} */
  const cases = [
    [{ priority: 1000 }, true],
    [{ priority: 1001 }, false],
    [{ priority: -1001 }, false],
    [{ priority: 0.5 }, false],
    [{ name: 'x'.repeat(200) }, true],
    [{ name: 'x'.repeat(201) }, false],
    [{ validation: 'adaptive' }, true],
    [{ validation: 'quorum:10' }, true],
    [{ validation: 'quorum:11' }, false],
    [{ validation: { quorum: 2 } }, true],
    [{ validation: { quorum: 1 } }, false],
    [{ validation: 'some' }, false],
    [{ deadline_seconds: 0 }, false],
    [{ deadline_seconds: 0.5 }, true],
    [{ deadline_seconds: 31536000 }, true],
    [{ deadline_seconds: 31536001 }, false],
    [{ surely_unknown: 1 }, false],
    [{ type: 'surely_unknown' }, false],
    [{ params: [] }, false],
  ];
  for (const [more, isGood] of cases) await assertJudged({ type: 'noop', ...more }, isGood);

  // A schema counts characters, the master bytes: so the description says it in words.
  assert.match(jobContent.schema.properties.name.description, /200 bytes/);
  await assertJudged({ type: 'noop', name: 'ä'.repeat(100) }, true);
  assert.equal((await submit({ type: 'noop', name: 'ä'.repeat(101) })).status, 400);
});

test('answers are as described, in every state of a job, and so are refusals', async () => {
  const strict = new Validator(description, { isClosed: true });
  const seen = new Set();
  /** One call, judged by what the description says of its status.
   * @param {string} method @param {string} path @param {string} [argument] @param {any} [body] */
  const call = async (method, path, argument = '', body = undefined) => {
    const segments = argument.split('/');
    const target = path.replace(/\{\w+\}/g, () => segments.shift() ?? 'none');
    const answer = await cluster.ask(target, { method: method.toUpperCase(), body });
    const { responses } = description.paths[path][method];
    const said = responses[answer.status] ?? responses.default;
    const [[type, { schema }]] = Object.entries(said.content);
    const what = `${method} ${target}: ${answer.status}`;
    assert.ok(String(answer.headers['content-type']).startsWith(type), what);
    const value = type === 'application/json' ? answer.json : answer.text;
    assert.deepEqual(strict.faults(schema, value), [], what);
    if (answer.status < 300) seen.add(`${method} ${path}`);
    else assert.ok(answer.status in responses, `${what} is among those that may come`);
    return answer;
  };
  const jobs = '/api/v1/jobs';
  const job = '/api/v1/jobs/{id}';
  const worker = '/api/v1/workers/{id}';

  const waiting = String((await call('post', jobs, '', { type: 'noop' })).json.id);
  await call('get', job, waiting); // It waits for workers.
  await call('get', `${job}/result`, waiting);
  await call('post', `${job}/pause`, waiting);
  await call('get', job, waiting);
  await call('post', `${job}/resume`, waiting);
  await call('post', `${job}/priority`, waiting, { priority: 2 });
  await call('post', `${job}/priority`, waiting, { priority: 'high' });
  await call('delete', job, waiting);
  await call('delete', job, waiting);
  await call('get', job, waiting);

  await cluster.startWorker();
  const failing = await cluster.submit('train', { target: 'Fate' });
  assert.equal((await cluster.whenOver(failing)).state, 'Failed');
  await call('get', job, String(failing));

  const training = await cluster.submit('train', {}, { deadline_seconds: 600 });
  await cluster.resultOf(training);
  const long = await cluster.submit('monte_carlo_pi', { samples: 10 ** 12 });
  await cluster.until('it computes', ({ jobs: all }) => all[long]?.tasks.done > 0);
  await call('get', job, String(long));
  await call('get', job, String(training));
  await call('get', `${job}/result`, String(training));
  await call('get', `${job}/receipt`, String(training));
  await call('get', `${job}/receipt`, String(long));
  await call('get', `${job}/files`, String(training));
  await call('get', `${job}/files/{name}`, `${training}/model`);
  await call('get', `${job}/files/{name}`, `${training}/nothing`);

  const files = '/api/v1/files';
  const file = `${files}/{name}`;
  await call('post', files, '', 'a,b\n1,2\n'); // It has no name.
  await call('put', file, 'sent.csv', 'a,b\n1,2\n');
  await call('get', files);
  await call('get', file, 'sent.csv');
  await call('put', file, 'sent.csv', 'others');
  await call('get', file, 'nothing.csv');
  await call('put', file, '.hidden', 'x');
  await call('delete', file, 'sent.csv');
  await call('delete', file, 'sent.csv');

  const [{ id }] = (await call('get', '/api/v1/workers')).json;
  for (const order of ['', '/drain', '/undrain', '/readmit']) {
    await call(order ? 'post' : 'get', worker + order, id);
    await call(order ? 'post' : 'get', worker + order, 'nobody');
  }
  for (const { path, method } of operations()) {
    if (method === 'get' && !path.includes('{')) await call('get', path);
    if (path.startsWith(job)) await call(method, path, '999');
  }
  await call('get', '/blobs/{sha256}', '0'.repeat(64));

  // These succeed where there is a liar, a blob, or a name in the query: other tests have them.
  const elsewhere = [
    'get /blobs/{sha256}',
    'post /api/v1/files',
    'post /api/v1/workers/{id}/readmit',
  ];
  assert.deepEqual(
    operations()
      .flatMap(({ name }) => (seen.has(name) ? [] : [name]))
      .sort(),
    elsewhere,
    'every operation has succeeded once',
  );
});

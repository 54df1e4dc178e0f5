// Files go to the master and come back over HTTP: whole, resumed, and never to another place.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

/** @type {Cluster} */
let cluster;
const files = '/api/v1/files';
const hash = (/** @type {string | Buffer} */ bytes) =>
  createHash('sha256').update(bytes).digest('hex');

before(async () => {
  cluster = await Cluster.start({ config: { limits: { upload_bytes: 64 << 20 } } });
  await cluster.startWorker();
});
after(() => cluster?.close());

/** @param {string} path @param {string} body @param {Record<string, string>} [headers] */
const put = (path, body, headers) =>
  cluster.ask(`${files}/${path}`, { method: 'PUT', body, headers });

test('a table that was sent is trained on, and its model is fetched back', async () => {
  const text = cluster.read('Data/train.csv');
  const sent = await put(`my%20table.csv?sha256=${hash(text)}`, text);
  assert.equal(sent.status, 201, sent.text);
  assert.deepEqual(sent.json, {
    name: 'my table.csv',
    path: 'Data/uploads/my table.csv',
    bytes: Buffer.byteLength(text),
    complete: true,
    sha256: hash(text),
  });
  const job = await cluster.submit('train', { data: sent.json.path });
  const result = await cluster.resultOf(job);
  const { json: list } = await cluster.ask(`/api/v1/jobs/${job}/files`);
  assert.deepEqual(list.map((/** @type {any} */ one) => one.name).sort(), ['model', 'submission']);
  for (const { name, path, sha256 } of list) {
    const fetched = await cluster.ask(`/api/v1/jobs/${job}/files/${name}`);
    assert.equal(fetched.status, 200);
    assert.equal(fetched.text, cluster.read(path));
    assert.equal(hash(fetched.text), sha256);
    assert.match(String(fetched.headers['content-disposition']), /^attachment; filename="/);
    const headers = { 'If-None-Match': String(fetched.headers.etag) };
    const again = await cluster.ask(`/api/v1/jobs/${job}/files/${name}`, { headers });
    assert.equal(again.status, 304);
  }
  // A model comes back by upload, and predicts as the one that it is.
  const model = (await cluster.ask(`/api/v1/jobs/${job}/files/model`)).text;
  const { json: uploaded } = await put('model.json', model);
  const predicted = await cluster.run('predict', { model: uploaded.path });
  assert.equal(predicted.model_sha256, result.model_sha256);
});

test('a file that others have changed is refused, and so is one that is none', async () => {
  const job = await cluster.submit('train', { output: 'Data/out.csv', model: 'Data/out.json' });
  await cluster.resultOf(job);
  writeFileSync(cluster.file('Data/out.csv'), 'of somebody else\n');
  const changed = await cluster.ask(`/api/v1/jobs/${job}/files/submission`);
  assert.equal(changed.status, 409);
  assert.match(changed.json.error.message, /Data\/out\.csv: holds other bytes/);
  const missing = await cluster.ask(`/api/v1/jobs/${job}/files/nothing`);
  assert.equal(missing.status, 404);
  assert.match(missing.json.error.message, /it wrote: model, submission/);
});

test('parts follow each other, and a lost connection leaves what has come', async () => {
  const bytes = Buffer.alloc(3 << 20, 'abcdefg');
  // Cut off: announced, and not sent to its end.
  const { hostname, port } = new URL(cluster.origin);
  await new Promise((resolve) => {
    const call = request({
      hostname,
      port,
      path: `${files}/cut.bin`,
      method: 'PUT',
      headers: { 'Content-Length': bytes.length },
    });
    call.on('error', resolve);
    call.write(bytes.subarray(0, 2 << 20), () => call.destroy());
    call.on('close', resolve);
  });
  // As a client does it: ask how much has come, go on there, and ask again where more came since.
  let rest = { status: 0, text: '' };
  for (const until = Date.now() + 60_000; rest.status !== 201 && Date.now() < until;) {
    const { status, json } = await cluster.ask(`${files}/cut.bin`);
    const come = status === 200 ? json.bytes : 0;
    rest = await put(
      `cut.bin?sha256=${hash(bytes)}`,
      bytes.subarray(come).toString('latin1'),
      come > 0 ? { 'Content-Range': `bytes ${come}-${bytes.length - 1}/${bytes.length}` } : {},
    );
    assert.ok([201, 409].includes(rest.status), rest.text);
  }
  assert.equal(rest.status, 201, rest.text);
  const part = await put('parts', 'abc', { 'Content-Range': 'bytes 0-2/6' });
  assert.deepEqual([part.status, part.json.bytes, part.json.complete], [202, 3, false]);
  const wrong = await put('parts', 'ef', { 'Content-Range': 'bytes 4-5/6' });
  assert.equal(wrong.status, 409);
  assert.match(wrong.json.error.message, /3 bytes have come so far/);
  const last = await put('parts', 'def', { 'Content-Range': 'bytes 3-5/6' });
  assert.deepEqual([last.status, last.json.sha256], [201, hash('abcdef')]);
  assert.equal(cluster.read('Data/uploads/parts'), 'abcdef');
});

test('what is wrong is named, and the connection goes on', async () => {
  await put('there.csv', 'old');
  /** @type {[string, string, Record<string, string>, number, RegExp][]} */
  const cases = [
    ['there.csv', 'other', {}, 409, /\?replace=true/],
    ['..%2Fx.csv', 'x', {}, 400, /without folders/],
    ['.hidden', 'x', {}, 403, /hidden/],
    ['a.csv?sha256=12', 'x', {}, 400, /64 hexadecimal digits/],
    [`a.csv?sha256=${'0'.repeat(64)}`, 'x', {}, 400, /as announced/],
    ['a.csv?replace=maybe', 'x', {}, 400, /neither true nor false/],
    ['a.csv', 'abc', { 'Content-Range': 'lines 1-2/3' }, 400, /FIRST-LAST\/TOTAL/],
    ['a.csv', 'abc', { 'Content-Range': 'bytes 0-1/3' }, 400, /not of the 3 bytes/],
    ['a.csv', 'abc', { 'Content-Range': 'bytes 5-7/9' }, 409, /0 bytes have come/],
    ['big.bin', '', { 'Content-Range': `bytes 0-0/${1 << 30}` }, 400, /not of the 0 bytes/],
    ['big.bin', 'x', { 'Content-Range': `bytes 0-0/${1 << 30}` }, 429, /limits\.upload_bytes/],
  ];
  for (const [path, body, headers, status, message] of cases) {
    const answer = await put(path, body, headers);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    assert.match(answer.json.error.message, message);
  }
  assert.equal((await put('there.csv?replace=true', 'other')).status, 201);
  const posted = await cluster.ask(`${files}?name=posted.csv`, { method: 'POST', body: 'a\n1\n' });
  assert.equal(posted.status, 201, posted.text);
  assert.equal((await cluster.ask(files, { method: 'POST', body: 'x' })).status, 400);
  const { json: list } = await cluster.ask(files);
  const names = list.map((/** @type {any} */ one) => one.name);
  assert.ok(names.includes('posted.csv') && !names.includes('a.csv'), `${names}`);
  const erased = await cluster.ask(`${files}/posted.csv`, { method: 'DELETE' });
  assert.equal(erased.status, 200);
  assert.equal((await cluster.ask(`${files}/posted.csv`)).status, 404);
});

test('who sends a file needs the token where there is one', async () => {
  const guarded = await Cluster.start({ config: { security: { join_token: 'open-sesame' } } });
  try {
    const path = `${files}/t.csv`;
    const refused = await guarded.ask(path, { method: 'PUT', body: 'x' });
    assert.equal(refused.status, 401);
    const headers = { Authorization: 'Bearer open-sesame' };
    assert.equal((await guarded.ask(path, { method: 'PUT', body: 'x', headers })).status, 201);
  } finally {
    await guarded.close();
  }
});

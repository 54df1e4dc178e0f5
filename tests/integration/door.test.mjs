// A master with a token, and what it refuses to whoever lacks it; workers of another version.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Cluster, writeJson } from '../support/cluster.mjs';
import { Feed } from '../support/feed.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

const token = 'correct-horse-battery';
/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start({ config: { security: { join_token: token } } });
});
after(() => cluster?.close());

/** @param {string} name @param {string} [given] the token in its configuration */
function startStranger(name, given) {
  const security = given === undefined ? {} : { security: { join_token: given } };
  writeJson(cluster.folder, 'stranger.json', { ...cluster.endpoints, ...security });
  return cluster.startWorker({ name, config: 'stranger.json', joins: false });
}

test('a native worker without the right token ends with status 1 and says why', async () => {
  for (const [given, says] of /** @type {[string | undefined, RegExp][]} */ ([
    [undefined, /refused_token: this master asks for a token \(security\.join_token/],
    ['correct-horse-batterz', /refused_token: the token is not this master's/],
  ])) {
    const stranger = await startStranger('stranger', given);
    await stranger.until(says);
    assert.deepEqual(await stranger.ended, { code: 1, signal: null });
  }
  assert.deepEqual(await cluster.workerDocuments(), []);
});

test('with the token a worker joins and works', async () => {
  await cluster.startWorker();
  await cluster.run('noop', { task_count: 10, payload_bytes: 4 });
});

test('calls that change something ask for the token; calls that read do not', async () => {
  const body = { type: 'noop' };
  const headers = (/** @type {string} */ given) => ({ Authorization: `Bearer ${given}` });
  for (const asking of [
    { method: 'POST', body },
    { method: 'POST', body, headers: headers('wrong') },
    { method: 'POST', body, headers: headers('') },
    { method: 'POST', body, headers: { Authorization: `Basic ${token}` } },
  ]) {
    const refused = await cluster.ask('/api/v1/jobs', asking);
    assert.equal(refused.status, 401);
    assert.equal(refused.json.error.code, 'refused_token');
    assert.match(refused.json.error.message, /Authorization: Bearer TOKEN/);
    assert.equal(refused.headers['www-authenticate'], 'Bearer');
  }
  const asking = { method: 'POST', body, headers: headers(token) };
  const taken = await cluster.ask('/api/v1/jobs', asking);
  assert.equal(taken.status, 201);
  const one = taken.headers.location ?? '';
  assert.equal(one, `/api/v1/jobs/${taken.json.id}`);
  await cluster.whenOver(taken.json.id);

  assert.equal((await cluster.ask(one, { method: 'DELETE' })).status, 401);
  const late = await cluster.ask(one, { method: 'DELETE', headers: headers(token) });
  assert.equal(late.status, 409, 'with the token it is the job that decides');
  for (const target of [
    '/',
    '/worker',
    '/healthz',
    '/metrics',
    '/api/v1/cluster',
    one,
    '/api/v1/openapi.json',
    '/api/v1/workers',
    '/api/v1/jobs',
    `${one}/result`,
  ]) {
    assert.equal((await cluster.ask(target)).status, 200, target);
  }
});

test('the feed is refused without the token, and works with it', async () => {
  const url = `${cluster.origin.replace('http', 'ws')}/ws/dashboard`;
  for (const query of ['', '?token=', '?token=wrong', `?token=${token}x`]) {
    assert.equal(await new Feed(url + query).opened, 401, query);
  }
  const feed = cluster.openFeed();
  assert.equal(await feed.opened, 101);
  await feed.until('it shows the cluster', ({ cluster: now }) => now.version);
  feed.close();
});

test('a browser worker without the right token is told so, and not to come again', async () => {
  for (const given of ['', 'wrong-token']) {
    const peer = await RawWorker.connect(cluster.origin);
    peer.hello({ token: given });
    const goodbye = await peer.next('goodbye');
    assert.equal(goodbye.code, 'refused_token');
    assert.equal(goodbye.retry, false);
    assert.doesNotMatch(JSON.stringify(goodbye), new RegExp(token));
    await peer.closed;
  }
  (await RawWorker.join(cluster.origin, { token })).close();
});

test('a worker of another protocol version is refused with both versions named', async () => {
  for (const fields of [{ protocol: 2 }, { protocol: 0, kind: 'native' }]) {
    const peer = await RawWorker.connect(cluster.origin);
    peer.hello({ token, ...fields });
    const goodbye = await peer.next('goodbye');
    assert.equal(goodbye.code, 'refused_protocol');
    assert.match(
      goodbye.message,
      new RegExp(`speaks protocol 1, the worker protocol ${fields.protocol}`),
    );
    assert.equal(goodbye.retry, false);
    await peer.closed;
  }
});

test('no token is ever written to the log or to endpoints.json', () => {
  assert.doesNotMatch(cluster.master.lines.join('\n'), new RegExp(token));
  assert.doesNotMatch(cluster.read('state/endpoints.json'), new RegExp(token));
});

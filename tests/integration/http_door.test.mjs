// What the web port refuses: strange hosts and origins, paths outside its roots, bad jobs, bodies
// and headers without end; and whoever sends slowly holds up nobody.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { WebSocket } from 'ws';

import { Cluster } from '../support/cluster.mjs';

const bodyBytesMax = 2 ** 20;
/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start({ config: { security: { allowed_hosts: ['compute.office'] } } });
});
after(() => cluster?.close());

/** @typedef {import('../support/cluster.mjs').Answer} Answer */

/** @param {Answer} answer @param {number} status @param {RegExp} says */
function assertError(answer, status, says) {
  assert.equal(answer.status, status, answer.text.slice(0, 200));
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.match(answer.json.error.code, /^[a-z_]+$/);
  assert.match(answer.json.error.message, says);
}

/** Sends bytes as they are; answers with all that comes until the server closes.
 * @param {string} bytes */
function sendRaw(bytes) {
  const { hostname, port } = new URL(cluster.origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
    let answer = '';
    socket.setTimeout(30_000, () => socket.destroy(new Error('the server kept the connection')));
    socket.on('data', (data) => (answer += data));
    socket.on('error', (error) => (answer ? resolve(answer) : reject(error)));
    socket.on('close', () => resolve(answer));
  });
}

test('a job that is not one is refused with 400 and the reason', async () => {
  for (const [body, says] of /** @type {[unknown, RegExp][]} */ ([
    ['', /not JSON/],
    ['{"type": ', /not JSON/],
    ['[]', /not a JSON object/],
    [{}, /type: is missing; it is one of train, .*predict, /],
    [{ type: 'dance' }, /type: "dance" is not one of/],
    [{ type: 7 }, /type: 7 is not one of/],
    [{ type: 'noop', prams: {} }, /prams: is not a key of a job/],
    [{ type: 'noop', params: [] }, /params: \[\] is not an object/],
    [{ type: 'noop', name: 'x'.repeat(201) }, /name: .*200 bytes/],
    [{ type: 'noop', name: 5 }, /name: 5/],
    [{ type: 'noop', priority: 1001 }, /priority: 1001 is not a whole number from -1000 to 1000/],
    [{ type: 'noop', priority: 0.5 }, /priority: 0\.5/],
    [{ type: 'noop', validation: 'twice' }, /validation: "twice"/],
    [{ type: 'noop', params: { count: 1 } }, /params\.count: is not a parameter/],
    [
      { type: 'noop', params: { task_count: 0 } },
      /params\.task_count: 0 is not a whole number from 1/,
    ],
    [{ type: 'noop', params: { payload_bytes: 2 ** 30 } }, /params\.payload_bytes/],
    [{ type: 'monte_carlo_pi' }, /params\.samples: is missing/],
    [{ type: 'monte_carlo_pi', params: { samples: -5 } }, /params\.samples: -5/],
    [{ type: 'monte_carlo_pi', params: { samples: '9' } }, /params\.samples: "9"/],
    ['{"type": "monte_carlo_pi", "params": {"samples": 1e300}}', /params\.samples: 1e\+300/],
    [{ type: 'train', params: { algorithm: 'magic' } }, /params\.algorithm: "magic"/],
    [
      { type: 'train', params: { target: 'A', id: 'A' } },
      /params\.target: "A" is the id column as well/,
    ],
    [{ type: 'train', params: { C: 0 } }, /params\.C: 0/],
    [{ type: 'train', params: { data: '' } }, /params\.data/],
    [{ type: 'train', params: { data: 7 } }, /params\.data: 7/],
  ])) {
    assertError(await cluster.ask('/api/v1/jobs', { method: 'POST', body }), 400, says);
  }
  const deep = `{"type": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  assertError(await cluster.ask('/api/v1/jobs', { method: 'POST', body: deep }), 400, /deep in/);
  assert.deepEqual((await cluster.ask('/api/v1/jobs')).json, [], 'none of them became a job');
});

test('bytes in a name that are not UTF-8 do no harm', async () => {
  const answer = await sendRaw(
    'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' +
      'Content-Length: 32\r\n\r\n' +
      '{"type": "noop", "name": "\xff\xfe"}  ',
  );
  assert.match(answer, /^HTTP\/1\.1 400 .*not JSON/s);
});

test('a body over the limit is refused with 413, and before it has been sent', async () => {
  const body = `{"type": "noop", "name": "${'x'.repeat(bodyBytesMax)}"}`;
  const sent = await cluster.ask('/api/v1/jobs', { method: 'POST', body }).catch(() => null);
  if (sent) assertError(sent, 413, /body is over \d+ bytes/);
  const announced = await sendRaw(
    'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000000\r\n\r\n',
  );
  assert.match(announced, /^HTTP\/1\.1 413 .*limit_exceeded/s);
});

test('headers without end are refused with 431', async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `X-${i}: ${'y'.repeat(40)}\r\n`).join('');
  const answer = await sendRaw(`GET / HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`);
  assert.match(answer, /^HTTP\/1\.1 431 /);
});

test('what is not HTTP is answered with 400 and a closed connection', async () => {
  for (const bytes of [
    '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n',
    'HELLO\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
  ]) {
    assert.match(await sendRaw(bytes), /^HTTP\/1\.1 400 .*bad_request/s);
  }
});

test('a wrong method is answered with 405 and the methods that there are', async () => {
  for (const [method, target, allowed] of /** @type {[string, string, string][]} */ ([
    ['DELETE', '/api/v1/jobs', 'GET, POST'],
    ['PUT', '/api/v1/jobs', 'GET, POST'],
    ['POST', '/api/v1/jobs/1', 'GET, DELETE'],
    ['POST', '/api/v1/workers', 'GET'],
    ['POST', '/healthz', 'GET'],
    ['PATCH', '/', 'GET'],
    ['POST', '/worker', 'GET'],
    ['DELETE', `/blobs/${'0'.repeat(64)}`, 'GET'],
  ])) {
    const answer = await cluster.ask(target, { method });
    assertError(answer, 405, /this path takes/);
    assert.equal(answer.headers.allow, allowed);
  }
});

test('paths that lead nowhere, or would lead out of the pages, are answered with 404', async () => {
  for (const target of [
    '/nowhere',
    '/api',
    '/api/v1/',
    '/api/v2/jobs',
    '/api/v1/jobs/',
    '/api/v1/jobs/0',
    '/api/v1/jobs/999',
    '/api/v1/jobs/-1',
    '/api/v1/jobs/1x',
    '/api/v1/jobs/99999999999999999999999',
    '/api/v1/jobs/%31',
    '/api/v1/jobs/1/2/result',
    '/api/v1/workers/nobody',
    '/api/v1/workers/..%2fjobs',
    '/blobs/',
    '/blobs/abc',
    `/blobs/${'0'.repeat(64)}`,
    `/blobs/${'Z'.repeat(64)}`,
    '/blobs/../config.json',
    '/blobs/..%2f..%2fconfig.json',
    '/web/../config.json',
    '/web/../../config.json',
    '/web/%2e%2e/config.json',
    '/web/..%2fconfig.json',
    '/web/%2e%2e%2f%2e%2e%2fetc/passwd',
    '/web//etc/passwd',
    '/web/./index.html',
    '/../config.json',
    '//config.json',
    '/web',
    '/web/',
    '/wasm/',
    '/config.json',
    '/state/endpoints.json',
    '/Data/train.csv',
    '/web/index.html%00',
    '/web/index.html\\',
  ]) {
    assertError(await cluster.ask(target), 404, /there is/);
  }
});

test('only names and addresses of this server are answered', async () => {
  const port = new URL(cluster.origin).port;
  for (const host of [
    `localhost:${port}`,
    '127.0.0.1',
    `compute.office:${port}`,
    'COMPUTE.office',
    `[::1]:${port}`,
  ]) {
    assert.equal((await cluster.ask('/healthz', { headers: { Host: host } })).status, 200, host);
  }
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'compute.office.evil.example',
  ]) {
    for (const target of ['/', '/api/v1/jobs', '/nowhere']) {
      assertError(
        await cluster.ask(target, { headers: { Host: host } }),
        403,
        /Host: .*allowed_hosts/,
      );
    }
  }
});

test('a request that names no host is refused', async () => {
  for (const host of ['', 'Host:\r\n', 'Host: :80\r\n']) {
    const answer = await sendRaw(`GET / HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 403 .*host_refused/s);
  }
});

test("another site's page can neither call the API nor open a socket", async () => {
  const { port } = new URL(cluster.origin);
  for (const origin of [
    'http://evil.example',
    `http://127.0.0.1:${Number(port) + 1}`,
    'null',
    'file://',
  ]) {
    const headers = { Origin: origin };
    const posted = await cluster.ask('/api/v1/jobs', {
      method: 'POST',
      headers,
      body: { type: 'noop' },
    });
    assertError(posted, 403, /Origin: .*not a page of this server/);
    for (const name of ['worker', 'dashboard']) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/${name}`, { origin });
      const status = await new Promise((resolve, reject) => {
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
        socket.on('open', () => reject(new Error(`${origin} opened ${name}`)));
        socket.on('error', () => {});
      });
      assert.equal(status, 403);
      socket.terminate();
    }
  }
  const own = await cluster.ask('/healthz', { headers: { Origin: cluster.origin } });
  assert.equal(own.status, 200);
  assert.equal(own.headers['access-control-allow-origin'], undefined);
});

test('sockets are found at their two paths only, and are not pages', async () => {
  const { port } = new URL(cluster.origin);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/other`);
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
    socket.on('error', () => {});
  });
  assert.equal(status, 404);
  socket.terminate();
  assertError(await cluster.ask('/ws/worker'), 426, /WebSocket/);
});

test('whoever sends a header slowly is cut off, and holds up nobody', async () => {
  const { hostname, port } = new URL(cluster.origin);
  const closings = Array.from({ length: 100 }, () => {
    const socket = connect(Number(port), hostname, () =>
      socket.write('GET / HTTP/1.1\r\nHost: loc'),
    );
    socket.on('error', () => {});
    socket.resume();
    return new Promise((resolve) => socket.on('close', resolve));
  });
  const first = await Promise.race([...closings, cluster.ask('/healthz')]);
  assert.equal(first?.status, 200, 'somebody was cut off before the answer came');
  await Promise.all(closings);
});

test('the files of the pages are served with headers that protect them, and once', async () => {
  const folder = path.join(path.dirname(new URL('../../web/index.html', import.meta.url).pathname));
  for (const file of readdirSync(folder, { recursive: false, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const answer = await cluster.ask(`/web/${file.name}`);
    assert.equal(answer.status, 200, file.name);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.match(String(answer.headers['content-security-policy']), /default-src 'self'/);
    const again = await cluster.ask(`/web/${file.name}`, {
      headers: { 'If-None-Match': String(answer.headers.etag) },
    });
    assert.equal(again.status, 304);
    assert.equal(again.text, '');
  }
});

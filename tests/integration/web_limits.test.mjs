// What the web port holds of anybody is bounded: lists come in pages, calls that wait have an end
// with their peer, and a body is read only of a request that may have it.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

const token = 'the-token-of-this-test';
const jobsMade = 25;
const paramsBytes = 60_000;
const waitingOfOnePcMax = 64;
const jobBodyBytesMax = 256 * 1024;

/** @type {Cluster} */
let cluster;
/** Ids of jobs, in order of submission. @type {number[]} */
const jobs = [];

before(async () => {
  cluster = await Cluster.start({ config: { security: { join_token: token } } });
  for (let i = 0; i < jobsMade; ++i) {
    // No worker is there: all of them stay.
    const body = { type: 'noop', name: i % 2 ? `odd ${i}` : `even ${i}`, params: {} };
    jobs.push((await post('/api/v1/jobs', body)).json.id);
  }
});
after(() => cluster?.close());

/** @param {string} target @param {unknown} [body] */
function post(target, body) {
  const headers = { Authorization: `Bearer ${token}` };
  return cluster.ask(target, { method: 'POST', headers, body });
}

/** @param {{json: any}} answer @returns {number[]} */
const ids = ({ json }) => json.map((/** @type {any} */ one) => one.id);

/** A connection that sends bytes as they are. @param {string} bytes */
function send(bytes) {
  const { hostname, port } = new URL(cluster.origin);
  const socket = connect(Number(port), hostname, () => socket.write(bytes, 'latin1'));
  let answer = '';
  const closed = new Promise((resolve, reject) => {
    socket.setTimeout(60_000, () => socket.destroy(new Error('the server kept the connection')));
    socket.on('error', (error) => (answer ? resolve(answer) : reject(error)));
    socket.on('close', () => resolve(answer));
  });
  /** @type {Promise<string>} */
  const answered = new Promise((resolve) => {
    socket.on('data', (data) => {
      answer += data;
      if (answer.includes('\r\n\r\n')) resolve(answer);
    });
  });
  return { socket, answered, closed };
}

const head = `Host: localhost\r\nAuthorization: Bearer ${token}\r\n`;

test('pages of a list hold every job once, in the order of before', async () => {
  /** @type {number[]} */
  let seen = [];
  let target = '/api/v1/jobs?limit=10';
  let pages = 0;
  while (target) {
    const answer = await cluster.ask(target);
    assert.equal(answer.status, 200, answer.text);
    seen = [...ids(answer), ...seen];
    const link = String(answer.headers.link ?? '');
    target = /^<(\/api\/v1\/jobs\?[^>]*)>; rel="next"$/.exec(link)?.[1] ?? '';
    assert.ok(++pages < 10, 'the list has an end');
  }
  assert.deepEqual(seen, jobs);
  assert.equal(pages, 3);
  assert.deepEqual(ids(await cluster.ask('/api/v1/jobs')), jobs, 'all fit on the usual page');
});

test('a list is asked for by state and by text', async () => {
  const last = jobs[jobsMade - 1] ?? 0;
  const cancelled = await cluster.ask(`/api/v1/jobs/${last}`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${token}` },
  });
  assert.equal(cancelled.status, 200);
  await cluster.until('it is over', ({ jobs: now }) => now[last]?.state === 'Cancelled');
  assert.deepEqual(ids(await cluster.ask('/api/v1/jobs?state=cancelled')), [last]);
  const odd = jobs.filter((_, i) => i % 2 === 1);
  assert.deepEqual(ids(await cluster.ask('/api/v1/jobs?q=ODD')), odd);
  const page = await cluster.ask('/api/v1/jobs?q=odd&limit=5');
  assert.deepEqual(ids(page), odd.slice(-5));
  assert.match(String(page.headers.link), /q=odd/);
  assert.deepEqual((await cluster.ask('/api/v1/workers?limit=1')).json, []);
});

test('parameters that a call does not have are refused by name', async () => {
  for (const [target, says] of /** @type {[string, RegExp][]} */ ([
    ['/api/v1/jobs?order=asc', /"order": is no parameter of this call; it takes limit before/],
    ['/api/v1/jobs?limit=1&limit=2', /limit: is given more than once/],
    ['/api/v1/jobs?limit=0', /limit: "0" is not a whole number from 1 to 1000/],
    ['/api/v1/jobs?limit=1001', /limit: "1001"/],
    ['/api/v1/jobs?before=x', /before: "x" is no job's number/],
    ['/api/v1/jobs?state=Happy', /state: "Happy" is none of Queued, Running/],
    [`/api/v1/jobs?q=${'x'.repeat(201)}`, /q: has 201 bytes; give at most 200/],
    ['/api/v1/workers?before=nobody', /before: "nobody" is no worker/],
    ['/healthz?verbose=1', /"verbose": is no parameter/],
    ['/api/v1/cluster?limit=1', /"limit": is no parameter/],
  ])) {
    const answer = await cluster.ask(target);
    assert.equal(answer.status, 400, target);
    assert.match(answer.json.error.message, says);
  }
});

test('params and results are in a job of its own, not in lists', async () => {
  const listed = (await cluster.ask('/api/v1/jobs?limit=1')).json[0];
  assert.equal(listed.params, undefined);
  assert.equal(listed.result, undefined);
  const shown = (await cluster.ask(`/api/v1/jobs/${listed.id}`)).json;
  assert.notEqual(shown.params, undefined);
  const long = { type: 'train', params: { data: 'x'.repeat(paramsBytes) } };
  const refused = await post('/api/v1/jobs', long);
  assert.equal(refused.status, 400);
  assert.ok(refused.text.length < 1000, 'an error does not give back all that was sent');
});

test('calls of one PC that wait have a bound, and end with whoever made them', async () => {
  const wait = `GET /api/v1/jobs/${jobs[0]}?wait=60 HTTP/1.1\r\n${head}\r\n`;
  const waiting = Array.from({ length: waitingOfOnePcMax }, () => send(wait));
  /** One more than may wait. @returns {Promise<number>} */
  const status = async () => {
    const probe = await cluster.ask(`/api/v1/jobs/${jobs[0]}?wait=0.01`);
    if (probe.status === 429) assert.match(String(probe.headers['retry-after']), /^\d+$/);
    return probe.status;
  };
  // All of them are waiting once there is no place left.
  for (let last = 0; last !== 429; ) last = await status();
  const told = await cluster.ask(`/api/v1/jobs/${jobs[0]}`);
  assert.equal(told.status, 200, 'without wait it is told');
  for (const { socket, closed } of waiting) {
    closed.catch(() => {});
    socket.destroy();
  }
  for (let last = 429; last !== 200; ) last = await status();
});

test('a body is not waited for where the token, the path or its length is wrong', async () => {
  const long = 'Content-Length: 100000\r\n';
  for (const [request, status] of /** @type {[string, number][]} */ ([
    [`POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n${long}\r\n{`, 401],
    [`POST /nowhere HTTP/1.1\r\n${head}${long}\r\n{`, 404],
    [`PUT /api/v1/jobs HTTP/1.1\r\n${head}${long}\r\n{`, 405],
    [`POST /api/v1/jobs?x=1 HTTP/1.1\r\n${head}${long}\r\n{`, 400],
    [`POST /api/v1/jobs/1/priority HTTP/1.1\r\n${head}${long}\r\n{`, 413],
    [`POST /api/v1/jobs HTTP/1.1\r\n${head}Content-Length: ${jobBodyBytesMax + 1}\r\n\r\n`, 413],
    [`POST /api/v1/jobs HTTP/1.1\r\n${head}Transfer-Encoding: gzip\r\n\r\n`, 501],
    [`POST /api/v1/jobs HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n${long}\r\n`, 400],
    [`GET /healthz HTTP/1.1\r\n${head}Host: other\r\n\r\n`, 400],
    [`GET /healthz HTTP/1.1\r\n${head}X: a\r\n b\r\n\r\n`, 400],
  ])) {
    const answer = await send(request).closed;
    assert.match(String(answer), new RegExp(`^HTTP/1\\.1 ${status} `), request.slice(0, 80));
    assert.match(String(answer), /\r\nConnection: close\r\n/, 'nothing after it is a request');
  }
});

test('what follows a chunked body is no header', async () => {
  const { socket, answered, closed } = send(
    'POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n' +
      `2\r\n{}\r\n0\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  assert.match(await answered, /^HTTP\/1\.1 401 /);
  closed.catch(() => {});
  socket.destroy();
});

test('whoever sends a body slowly is cut off, and holds up nobody', async () => {
  const slow = Array.from({ length: 100 }, () =>
    send(`POST /api/v1/jobs HTTP/1.1\r\n${head}Content-Length: 100\r\n\r\n{"type"`),
  );
  const closings = slow.map(({ closed }) => closed.catch(() => undefined));
  const body = { type: 'noop', name: 'beside slow ones' };
  const first = await Promise.race([...closings, post('/api/v1/jobs', body)]);
  assert.equal(/** @type {any} */ (first)?.status, 201, 'somebody was cut off before the answer');
  await Promise.all(closings);
});

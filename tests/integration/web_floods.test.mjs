// A thousand hostile connections of each kind on the web port, a thousand hostile jobs, and viewers
// that do not read, with a master that may have 2 GiB of address space: it outlives them, keeps
// nothing of them, and goes on with honest workers all the while. See zmtp_floods for its other
// ports.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { encodeFrame } from '../support/wire.mjs';
import { ask } from '../support/cluster.mjs';
import { Siege, strangersAtATime, token } from '../support/siege.mjs';
import { Stranger } from '../support/stranger.mjs';

const viewersAtATime = 30;
const jobsAtATime = strangersAtATime;
/** Whoever has joined, and each job that is over, is remembered for a while. */
const rememberedMiB = 4 / 1024;
const authorization = `Authorization: Bearer ${token}\r\n`;

/** @type {Siege} */
let siege;

before(async () => {
  siege = await Siege.begin();
});
after(() => siege?.cluster.close());

afterEach((t) => siege.checkAftermath(/** @type {import('node:test').TestContext} */ (t)));

/** Strangers of other PCs than the honest worker's, at most so many of one.
 * @param {number} count @param {number} [perPc] */
async function gather(count, perPc = 250) {
  const port = Number(siege.cluster.endpoints.dashboard.port);
  const strangers = Array.from(
    { length: count },
    (_, i) => new Stranger(port, `127.0.0.${2 + Math.floor(i / perPc)}`),
  );
  await Promise.all(strangers.map(({ opened, closed }) => Promise.race([opened, closed])));
  return strangers;
}

/**
 * A thousand strangers that do the same at once, and an honest job beside them. In the end all of
 * them have been closed by the master.
 * @param {import('node:test').TestContext} t
 * @param {(stranger: Stranger) => void} misbehave
 */
function flood(t, misbehave) {
  return siege.withProbe(t, async () => {
    const strangers = await gather(strangersAtATime);
    for (const stranger of strangers) misbehave(stranger);
    await siege.cluster.run('noop', { task_count: 20 });
    await Promise.all(strangers.map(({ closed }) => closed));
  });
}

/** @param {string} target @param {string} [more] */
function head(target, more = '') {
  return `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`;
}

/** @param {string} target @param {number} length @param {string} [more] */
function posting(target, length, more = '') {
  return (
    `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n` +
    `${more}Content-Length: ${length}\r\n\r\n`
  );
}

const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** A frame of a WebSocket, masked with zeros. @param {Buffer} bytes @param {number} [announced] */
function webSocketFrame(bytes, announced = bytes.length) {
  const start = Buffer.alloc(14);
  start.writeUInt8(0x82, 0);
  start.writeUInt8(0xff, 1);
  start.writeBigUInt64BE(BigInt(announced), 2);
  return Buffer.concat([start, bytes]);
}

/** @param {object} fields */
function hello(fields) {
  const header = { type: 'hello', protocol: 1, kind: 'browser', version: '0.0.0', resume: '' };
  const frame = encodeFrame({ ...header, name: 'stranger', slots: 1, ...fields }, []);
  return webSocketFrame(Buffer.from(frame));
}

test('who says nothing is closed', (t) => flood(t, () => {}));

test('who says a head slowly is closed', (t) =>
  flood(t, (stranger) => stranger.saySlowly(head('/healthz'))));

test('a head without end is closed', (t) =>
  flood(t, (stranger) => {
    stranger.say('GET /healthz HTTP/1.1\r\n');
    stranger.sayWithoutEnd(Buffer.from('X-More: of the same\r\n'.repeat(500)));
  }));

test('what is no HTTP is closed', (t) => {
  const noises = [Buffer.alloc(10_000, 0xff), Buffer.from('\r\n\r\n\0\0'), Buffer.from('GET\n\n')];
  let next = 0;
  return flood(t, (stranger) => {
    stranger.say(noises[next++ % noises.length]);
    stranger.say(head('/healthz', 'Content-Length: -1\r\n'));
  });
});

test('a body is not taken from who has no token', (t) =>
  flood(t, (stranger) => {
    stranger.say(posting('/api/v1/jobs', 200_000));
    stranger.sayWithoutEnd(Buffer.alloc(64 * 1024));
  }));

test('a body that comes slowly is not waited for', (t) =>
  flood(t, (stranger) => {
    stranger.say(posting('/api/v1/jobs', 60_000, authorization));
    stranger.say(Buffer.alloc(59_000, ' '));
    stranger.saySlowly(Buffer.alloc(1000));
  }));

test('a body that is too large is refused', (t) =>
  flood(t, (stranger) => {
    stranger.say(posting('/api/v1/jobs', 2 ** 40, authorization));
    stranger.sayWithoutEnd(Buffer.alloc(64 * 1024));
  }));

test('a WebSocket that says nothing is closed', (t) =>
  flood(t, (stranger) => stranger.say(head('/ws/worker', upgrade))));

test('a WebSocket whose frame is large before its hello is closed', (t) =>
  flood(t, (stranger) => {
    stranger.say(head('/ws/worker', upgrade));
    stranger.socket.once('data', () => {
      stranger.say(webSocketFrame(Buffer.alloc(0), 15_900_000));
      stranger.sayWithoutEnd(Buffer.alloc(64 * 1024));
    });
  }));

test('a WebSocket with a wrong token is refused', async (t) => {
  let next = 0;
  await flood(t, (stranger) => {
    stranger.say(head('/ws/worker', upgrade));
    const worker = `wrong-${++next}`;
    stranger.socket.once('data', () => stranger.say(hello({ worker, token: 'wrong-token-1' })));
  });
  assert.equal((await siege.cluster.workerDocuments()).length, 1);
});

test('who joins by WebSocket and is gone is remembered by name alone', async (t) => {
  let next = 0;
  await flood(t, (stranger) => {
    stranger.say(head('/ws/worker', upgrade));
    const worker = `gone-${++next}`;
    stranger.socket.once('data', () => {
      stranger.say(hello({ worker, token }));
      stranger.socket.once('data', () => stranger.leave());
    });
  });
  siege.keptMiB += next * rememberedMiB;
  await siege.cluster.until('they are gone', ({ cluster: now }) => now.workers.connected === 1);
});

test('calls that wait, from whoever has hung up, keep nobody out', (t) =>
  siege.withProbe(t, async () => {
    const id = await siege.cluster.submit('monte_carlo_pi', { samples: 2 ** 40, seed: 1 });
    const strangers = await gather(strangersAtATime);
    for (const stranger of strangers) {
      stranger.say(head(`/api/v1/jobs/${id}?wait=60`));
      stranger.socket.end();
    }
    await siege.cluster.run('noop', { task_count: 20 });
    await cancel(id);
    await Promise.all(strangers.map(({ closed }) => closed));
    siege.keptMiB += rememberedMiB;
  }));

test('a thousand hostile jobs, beside viewers that do not read', (t) =>
  siege.withProbe(t, async () => {
    const viewers = await gather(viewersAtATime, 10);
    for (const viewer of viewers) {
      viewer.say(head(`/ws/dashboard?token=${token}`, upgrade));
      viewer.socket.pause();
    }
    /** @type {Set<number>} */
    const accepted = new Set();
    /** @type {Set<number>} */
    const refusals = new Set();
    for (let made = 0; made < jobsAtATime; made += 50) {
      const some = Array.from({ length: 50 }, (_, i) => post('/api/v1/jobs', hostile(made + i)));
      for (const { status, json } of await Promise.all(some)) {
        if (status === 201) accepted.add(json.id);
        else refusals.add(status);
      }
    }
    assert.ok(accepted.size > 0);
    for (const status of refusals) assert.ok(status >= 400 && status < 500, `answered ${status}`);
    for (const id of accepted) await cancel(id);
    await siege.cluster.run('noop', { task_count: 20 });
    siege.keptMiB += accepted.size * rememberedMiB;
    for (const viewer of viewers) viewer.leave();
  }));

/** @param {string} target @param {unknown} [body] */
function post(target, body) {
  const headers = { Authorization: `Bearer ${token}` };
  return ask(siege.cluster.origin, target, { method: 'POST', headers, body });
}

/** @param {number} id */
async function cancel(id) {
  const headers = { Authorization: `Bearer ${token}` };
  const target = `/api/v1/jobs/${id}`;
  const { status, text } = await ask(siege.cluster.origin, target, { method: 'DELETE', headers });
  // Some are over, or failed, before.
  assert.ok(status === 200 || status === 204 || status === 409, `${status} ${text}`);
}

/** Each of the kinds of jobs that cost a master most. @param {number} which */
function hostile(which) {
  const kinds = [
    { type: 'noop', params: { task_count: 10_000_000 } },
    { type: 'noop', name: 'n'.repeat(200), params: { task_count: 5000, payload_bytes: 4096 } },
    { type: 'monte_carlo_pi', params: { samples: 2 ** 45, seed: which } },
    { type: 'train', params: { data: `Data/${'x'.repeat(60_000)}.csv`, target: 'y' } },
    { type: 'train', params: { data: 'Data/none.csv', target: 'y'.repeat(60_000) } },
    { type: 'noop', params: { task_count: 1, no_such: 'z'.repeat(60_000) } },
    { type: 'noop', params: { task_count: 1 }, validation: 'quorum:9' },
  ];
  return kinds[which % kinds.length];
}

// A thousand hostile connections of each kind on each of the ports for native workers, with a token
// that they lack and a master that may have 2 GiB of address space: it outlives them, keeps nothing
// of them, and goes on with honest workers all the while.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { patience } from '../support/patience.mjs';
import { runProgram } from '../support/program.mjs';
import {
  Stranger,
  doors,
  frameHead,
  greeting,
  handshake,
  headerPart,
  message,
} from '../support/zmtp_stranger.mjs';

/** @typedef {(typeof doors)[number]} Door */

const token = 'correct-horse-battery';
const strangersAtATime = 1000;
const addressSpaceBytes = 2 * 2 ** 30;
const frameBytesMax = 16 * 2 ** 20;
/** Sanitizers take terabytes of address space, and keep what is freed. */
const isOrdinaryBuild = patience === 1;

/** @type {Cluster} */
let cluster;
/** @type {import('../support/program.mjs').Program} */
let honest;
let usualMiB = 0;
/** Who has joined is remembered for some minutes, by its name and its session. */
let rememberedWorkers = 0;
const rememberedWorkerMiB = 4 / 1024;

function masterMiB() {
  const status = readFileSync(`/proc/${cluster.master.pid}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) / 1024;
}

before(async () => {
  cluster = await Cluster.start({ config: { security: { join_token: token } } });
  if (isOrdinaryBuild) {
    const limit = ['--pid', String(cluster.master.pid), `--as=${addressSpaceBytes}`];
    assert.equal((await runProgram('prlimit', limit)).code, 0);
  }
  honest = await cluster.startWorker({ name: 'honest' });
  await cluster.run('noop', { task_count: 1000, payload_bytes: 8 });
  usualMiB = masterMiB();
});
after(() => cluster?.close());

afterEach(async (t) => {
  const allowedMiB = 1.2 * usualMiB + rememberedWorkers * rememberedWorkerMiB;
  const isAsBefore = () => masterMiB() <= allowedMiB;
  // Memory is given back once a second, where there is much of it.
  for (const until = Date.now() + 20_000; !isAsBefore() && Date.now() < until;) {
    await cluster.ask('/healthz');
  }
  /** @type {import('node:test').TestContext} */ (t).diagnostic(
    `memory ${masterMiB().toFixed(1)} MiB, before ${usualMiB.toFixed(1)} MiB`,
  );
  if (isOrdinaryBuild) assert.ok(isAsBefore(), 'it keeps memory of those that are gone');
  const joined = honest.lines.filter((line) => /(joined|back with) the master/.test(line));
  assert.equal(joined.length, 1, 'the honest session lasts');
});

/** @param {Door} door */
function connectTo({ port }) {
  return new Stranger(Number(cluster.endpoints.master[port]));
}

/**
 * For each port: a thousand strangers that do the same at once, and an honest job beside them. In
 * the end all of them have been closed by the master.
 * @param {import('node:test').TestContext} t
 * @param {(stranger: Stranger, door: Door) => void} misbehave
 * @param {readonly Door[]} [where]
 */
async function flood(t, misbehave, where = doors) {
  /** @type {Stranger[]} */
  const all = [];
  for (const door of where) {
    const strangers = Array.from({ length: strangersAtATime }, () => connectTo(door));
    await Promise.all(strangers.map(({ opened }) => opened));
    for (const stranger of strangers) misbehave(stranger, door);
    all.push(...strangers);
    const begun = Date.now();
    const health = await cluster.ask('/healthz');
    t.diagnostic(`${door.port}: /healthz answered after ${Date.now() - begun} ms`);
    assert.equal(health.status, 200);
    await cluster.run('noop', { task_count: 20 });
  }
  await Promise.all(all.map(({ closed }) => closed));
}

/** @param {object} [fields] */
function hello(fields) {
  return message({
    type: 'hello',
    protocol: 1,
    worker: 'a-stranger',
    token: '',
    kind: 'native',
    name: 'stranger',
    version: '0.0.0',
    slots: 1,
    resume: '',
    ...fields,
  });
}

test('who says nothing is closed', (t) => flood(t, () => {}));

test('who says nothing after the handshake is closed', (t) =>
  flood(t, (stranger, { socketType }) => stranger.say(handshake(socketType))));

test('who says its greeting slowly is closed', (t) =>
  flood(t, (stranger) => {
    let at = 0;
    const timer = setInterval(() => stranger.say(greeting.subarray(at, ++at)), 500);
    void stranger.closed.then(() => clearInterval(timer));
  }));

test('a message of parts without end is closed at its third', (t) =>
  flood(t, (stranger, { socketType }) => {
    stranger.say(handshake(socketType));
    stranger.sayWithoutEnd(Buffer.alloc(20_000, frameHead(1, 0)));
  }));

test('commands without end, and what is no ZMTP at all, are closed', (t) => {
  const noises = [
    Buffer.from('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nbody'),
    Buffer.from([0x01, 0x00, 0x01, 0x01]), // ZMTP 1.0.
    Buffer.alloc(10_000, 0xff),
    Buffer.concat([greeting, Buffer.alloc(5000, frameHead(0, 0))]),
  ];
  let next = 0;
  return flood(t, (stranger, { socketType }) => {
    const noise = noises[next++ % (noises.length + 1)];
    if (noise !== undefined) return stranger.say(noise);
    stranger.say(handshake(socketType));
    stranger.sayWithoutEnd(Buffer.alloc(20_000, frameHead(4, 0)));
  });
});

test('a frame that is too large is closed when it is announced', (t) =>
  flood(t, (stranger, { socketType }) => {
    stranger.say(handshake(socketType));
    stranger.say(headerPart('{"type":"results","session":"made-up"}'));
    stranger.say(frameHead(0, frameBytesMax + 1));
  }));

test('a large frame is closed before it comes where no session is named', (t) =>
  flood(t, (stranger, { socketType }) => {
    stranger.say(handshake(socketType));
    stranger.say(headerPart('{"type":"results","session":"made-up"}'));
    stranger.say(frameHead(0, frameBytesMax - 1000));
    stranger.sayWithoutEnd(Buffer.alloc(64 * 1024));
  }));

test('a wrong token is refused', async (t) => {
  await flood(
    t,
    (stranger, { socketType }) => {
      stranger.say(handshake(socketType));
      stranger.say(hello({ token: 'correct-horse-batterz' }));
    },
    [doors[0]],
  );
  assert.equal((await cluster.workerDocuments()).length, 1);
});

test('who joins and is gone at once is remembered by its name, and no more', async (t) => {
  await flood(
    t,
    (stranger, { socketType }) => {
      stranger.say(handshake(socketType));
      stranger.say(hello({ token, worker: `gone-${++rememberedWorkers}` }));
      stranger.socket.once('data', () => stranger.leave());
    },
    [doors[0]],
  );
  await cluster.until('they are gone', ({ cluster: now }) => now.workers.connected === 1);
});

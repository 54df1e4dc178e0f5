// A thousand hostile connections of each kind on each of the ports for native workers, with a token
// that they lack and a master that may have 2 GiB of address space: it outlives them, keeps nothing
// of them, and goes on with honest workers all the while.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Siege, strangersAtATime, token } from '../support/siege.mjs';
import { Stranger } from '../support/stranger.mjs';
import {
  doors,
  frameHead,
  greeting,
  handshake,
  headerPart,
  message,
} from '../support/zmtp_stranger.mjs';

/** @typedef {(typeof doors)[number]} Door */

const frameBytesMax = 16 * 2 ** 20;

/** @type {Siege} */
let siege;
/** Who has joined is remembered for some minutes, by its name and its session. */
let joinedCount = 0;
const rememberedWorkerMiB = 4 / 1024;

before(async () => {
  siege = await Siege.begin();
});
after(() => siege?.cluster.close());

afterEach((t) => siege.checkAftermath(/** @type {import('node:test').TestContext} */ (t)));

/** @param {Door} door */
function connectTo({ port }) {
  return new Stranger(Number(siege.cluster.endpoints.master[port]));
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
  await siege.withProbe(t, async () => {
    for (const door of where) {
      const strangers = Array.from({ length: strangersAtATime }, () => connectTo(door));
      await Promise.all(strangers.map(({ opened }) => opened));
      for (const stranger of strangers) misbehave(stranger, door);
      all.push(...strangers);
      await siege.cluster.run('noop', { task_count: 20 });
    }
    await Promise.all(all.map(({ closed }) => closed));
  });
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
  flood(t, (stranger) => stranger.saySlowly(greeting)));

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
  assert.equal((await siege.cluster.workerDocuments()).length, 1);
});

// They have the token and are believed: a job that is given to five of them would fail, for its
// task may be what crashes workers. It comes when they are gone.
test('who joins and is gone at once is remembered by its name, and no more', async (t) => {
  await siege.withProbe(t, async () => {
    const strangers = Array.from({ length: strangersAtATime }, () => connectTo(doors[0]));
    await Promise.all(strangers.map(({ opened }) => opened));
    for (const stranger of strangers) {
      stranger.say(handshake(doors[0].socketType));
      stranger.say(hello({ token, worker: `gone-${++joinedCount}` }));
      stranger.socket.once('data', () => stranger.leave());
    }
    await Promise.all(strangers.map(({ closed }) => closed));
    siege.keptMiB = joinedCount * rememberedWorkerMiB;
    await siege.cluster.until('they are gone', ({ cluster: now }) => now.workers.connected === 1);
    await siege.cluster.run('noop', { task_count: 20 });
  });
});

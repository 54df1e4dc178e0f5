// Peers that break the protocol over a WebSocket, while a job runs on an honest worker: each loses
// its own session and nothing else.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';

import { Cluster, referenceSha256, repository } from '../support/cluster.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

/** @typedef {{name: string, direction: string, reason: string, frame_hex?: string,
 *             header?: Record<string, unknown>, payload_hex?: string}} Malformed */

/** @type {Malformed[]} */
const malformed = JSON.parse(
  readFileSync(`${repository}/tests/fixtures/protocol/malformed.json`, 'utf8'),
).cases.filter((/** @type {Malformed} */ { direction }) => direction === 'worker');

const piParams = { samples: 200 * 2 ** 22, seed: 11 };
const frameBytesMax = 16 * 2 ** 20;
let piSha256 = '';
/** @type {Cluster} */
let cluster;

before(async () => {
  piSha256 = await referenceSha256('monte_carlo_pi', piParams);
  cluster = await Cluster.start();
});
after(() => cluster?.close());
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** Sends one fixture, under the session that this worker really has.
 * @param {RawWorker} peer @param {Malformed} example */
function sendMalformed(peer, { frame_hex, header, payload_hex = '' }) {
  if (header === undefined) return peer.sendBytes(Buffer.from(frame_hex ?? '', 'hex'));
  const session = header.session === '5f0c' ? { session: peer.session || 'none' } : {};
  peer.send({ ...header, ...session }, [Buffer.from(payload_hex, 'hex')]);
}

/** Awaits that the master says goodbye for a reason, and closes. @param {RawWorker} peer
 * @param {RegExp} code @param {RegExp} [message] */
async function assertSentAway(peer, code, message = /./) {
  const goodbye = await peer.next('goodbye');
  assert.match(goodbye.code, code, goodbye.message);
  assert.match(goodbye.message, message);
  await peer.closed;
}

/** Runs a job on an honest worker while `misbehave` runs. @param {() => Promise<void>} misbehave */
async function besideAJob(misbehave) {
  const honest = await cluster.startWorker({ name: 'honest' });
  const id = await cluster.submit('monte_carlo_pi', piParams);
  await misbehave();
  assert.equal((await cluster.resultOf(id)).result_sha256, piSha256);
  const joined = honest.lines.filter((line) => /(joined|back with) the master/.test(line));
  assert.equal(joined.length, 1, 'its session lasts');
  assert.equal(honest.hasEnded, false);
}

// Before those that make this address use up what it may write to the log in a minute.
test('what strangers say cannot forge a line of the log, nor command a terminal', async () => {
  const forged = '\n00:00:00.000 info all is well\r\x1b[2J\x07';
  const peer = await RawWorker.join(cluster.origin, { name: `evil${forged}` });
  const id = await cluster.submit('noop', {}, { name: `job${forged}` });
  const lease = await peer.next('lease', ({ job }) => job === id);
  const says = Buffer.from(`failed${forged}`);
  peer.result({ lease: lease.lease, job: id }, { status: 1, bytes: says });
  await cluster.master.until(/evil\\x0a00:00:00\.000 info all is well\\x0d\\x1b\[2J\\x07.* joined/);
  await cluster.master.until(/job\\x0a00:00:00.* submitted/);
  await cluster.master.until(/failed on .*failed\\x0a00:00:00/);
  assert.doesNotMatch(cluster.master.stderr, /^00:00:00|[\x1b\x07\r]/m);
  peer.close();
  await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
});

test('every malformed first message is answered with goodbye, and costs only its sender', () =>
  besideAJob(async () => {
    for (const example of malformed) {
      const peer = await RawWorker.connect(cluster.origin);
      sendMalformed(peer, example);
      await assertSentAway(peer, /^(protocol_violation|refused_protocol|unknown_session)$/);
    }
  }));

test('every malformed message of a worker that has joined ends its session alone', () =>
  besideAJob(async () => {
    for (const example of malformed) {
      const peer = await RawWorker.join(cluster.origin);
      sendMalformed(peer, example);
      await assertSentAway(peer, /^protocol_violation$/);
    }
  }));

test('a frame over 16 MiB closes its connection', () =>
  besideAJob(async () => {
    const peer = await RawWorker.join(cluster.origin);
    peer.sendBytes(Buffer.alloc(frameBytesMax + 100_000));
    // "Message too big", or no more than the end: what is still on its way may reset the rest.
    assert.ok([1009, 1006].includes(await peer.closed));
  }));

test('text instead of bytes, and a hello said twice, are violations', () =>
  besideAJob(async () => {
    const texter = await RawWorker.join(cluster.origin);
    texter.sendBytes('{"type": "leave"}');
    await assertSentAway(texter, /^protocol_violation$/);
    const greeter = await RawWorker.join(cluster.origin);
    greeter.hello();
    await assertSentAway(greeter, /^protocol_violation$/, /has said it before/);
  }));

test('whoever speaks before hello is told to say hello first', () =>
  besideAJob(async () => {
    for (const speak of [
      (/** @type {RawWorker} */ peer) => peer.heartbeat({ session: 'made-up' }),
      (/** @type {RawWorker} */ peer) => peer.result({ session: 'made-up', lease: 1, job: 1 }),
      (/** @type {RawWorker} */ peer) => peer.send({ type: 'leave', session: 'made-up' }),
    ]) {
      const peer = await RawWorker.connect(cluster.origin);
      speak(peer);
      await assertSentAway(peer, /^unknown_session$/, /say hello first/);
    }
  }));

test("another worker's session key is of no use on a connection of one's own", () =>
  besideAJob(async () => {
    const victim = await RawWorker.join(cluster.origin);
    const thief = await RawWorker.join(cluster.origin);
    thief.heartbeat({ session: victim.session });
    await assertSentAway(thief, /^protocol_violation$/, /belongs to another connection/);
    const stranger = await RawWorker.connect(cluster.origin);
    stranger.send({ type: 'leave', session: victim.session });
    await assertSentAway(stranger, /^protocol_violation$/, /belongs to another connection/);
    victim.heartbeat();
    await victim.next('ack');
    victim.close();
  }));

test('results for what was never given end the session, and count nowhere', async () => {
  await besideAJob(async () => {
    const inventor = await RawWorker.join(cluster.origin);
    inventor.result({ lease: 2 ** 52, job: 1 });
    await assertSentAway(
      inventor,
      /^protocol_violation$/,
      /lease 4503599627370496, which was never granted/,
    );

    const liar = await RawWorker.join(cluster.origin);
    const lease = await liar.next('lease');
    liar.result({ lease: lease.lease, job: lease.job }, { index: 4_000_000_000 });
    await assertSentAway(liar, /^protocol_violation$/, /task 4000000000 .* never given to it/);

    const owner = await RawWorker.join(cluster.origin);
    const owned = await owner.next('lease');
    const thief = await RawWorker.join(cluster.origin);
    thief.result({ lease: owned.lease, job: owned.job });
    await assertSentAway(thief, /^protocol_violation$/, /of another worker/);

    const confused = await RawWorker.join(cluster.origin);
    const given = await confused.next('lease');
    confused.result({ lease: given.lease, job: given.job + 1000 });
    await assertSentAway(confused, /^protocol_violation$/, /under another job or round/);
    owner.close();
  });
});

test('an output of the wrong shape costs its worker its place, and its job nothing', async () => {
  const liar = await RawWorker.join(cluster.origin, { name: 'liar' });
  const id = await cluster.submit('noop', { task_count: 1, payload_bytes: 8 });
  const lease = await liar.next('lease', ({ job }) => job === id);
  liar.result({ lease: lease.lease, job: id }, { bytes: new Uint8Array(5) });
  await assertSentAway(liar, /^quarantined$/, /its result for task 0 .* was wrong/);
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Succeeded', job.error?.message);
  assert.deepEqual(job.validation.liars, ['liar']);
});

test('a connection that never says hello is closed after a while', async () => {
  const silent = await RawWorker.connect(cluster.origin);
  await assertSentAway(silent, /^no_hello$/);
});

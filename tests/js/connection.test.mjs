// When the link connects, greets, beats and gives up: no socket, no clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backoffSeconds, backoffSecondsMax, backoffSecondsMin } from '../../web/backoff.js';
import { Connection } from '../../web/worker/connection.js';

const welcome = /** @type {import('../../web/protocol.js').Welcome} */ ({
  type: 'welcome',
  session: 'key-1',
  worker: 'browser-1',
  heartbeatSeconds: 2,
  silenceSeconds: 10,
  version: '1',
});

function joined() {
  const connection = new Connection({ random: () => 0.5 });
  connection.start(0);
  connection.able(10);
  connection.opened(20);
  connection.received(welcome, 30);
  return connection;
}

/** @param {string} code @param {boolean} retry */
function goodbye(code, retry) {
  return /** @type {import('../../web/protocol.js').Goodbye} */ ({
    type: 'goodbye',
    code,
    message: `because ${code}`,
    retry,
  });
}

test('hello waits for the socket and for the kernels, whichever comes last', () => {
  const early = new Connection();
  assert.deepEqual(early.start(0), [{ do: 'open' }]);
  assert.deepEqual(early.able(5), []);
  assert.deepEqual(early.opened(9), [{ do: 'hello', resume: '' }]);

  const late = new Connection();
  late.start(0);
  assert.deepEqual(late.opened(5), []);
  assert.equal(late.deadline(), Infinity, 'a slow download of the kernels is no timeout');
  assert.deepEqual(late.able(60_000), [{ do: 'hello', resume: '' }]);
  assert.deepEqual(late.able(60_001), [], 'a second slot does not greet again');
});

test('welcome joins, beats at once, and then every heartbeat', () => {
  const connection = new Connection();
  connection.start(0);
  connection.able(0);
  connection.opened(0);
  assert.deepEqual(connection.received(welcome, 30), [
    { do: 'joined', resumed: false, version: '1' },
    { do: 'heartbeat' },
  ]);
  assert.equal(connection.phase, 'joined');
  assert.equal(connection.deadline(), 2030);
  assert.deepEqual(connection.tick(2029), []);
  assert.deepEqual(connection.tick(2030), [{ do: 'heartbeat' }]);
  assert.equal(connection.deadline(), 4030);
});

test('a master that is silent for too long is left, and called again with the session', () => {
  const connection = joined();
  for (let now = 2030; now < 10_030; now += 2000) connection.tick(now);
  const [close] = connection.tick(10_030);
  assert.equal(close.do, 'close');
  assert.equal(connection.phase, 'waiting');
  assert.deepEqual(connection.tick(connection.deadline()), [{ do: 'open' }]);
  assert.deepEqual(connection.opened(12_000), [{ do: 'hello', resume: 'key-1' }]);
  assert.deepEqual(connection.received(welcome, 12_001)[0], {
    do: 'joined',
    resumed: true,
    version: '1',
  });
});

test('a welcome with another session is a new start, not a resumption', () => {
  const connection = joined();
  connection.closed('the connection broke', 100);
  connection.tick(connection.deadline());
  connection.opened(1000);
  const actions = connection.received({ ...welcome, session: 'key-2' }, 1001);
  assert.deepEqual(actions[0], { do: 'joined', resumed: false, version: '1' });
});

test('pauses between attempts double up to half a minute, and an ack starts them anew', () => {
  const connection = joined();
  /** @type {number[]} */
  const waits = [];
  connection.closed('gone', 0);
  for (let i = 0; i < 8; ++i) {
    const now = connection.deadline();
    waits.push(now);
    connection.tick(now);
    connection.closed('gone', now);
  }
  const pauses = waits.map((at, i) => Math.round(at - (waits[i - 1] ?? 0)));
  assert.deepEqual(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);

  connection.tick(connection.deadline());
  connection.opened(200_000);
  connection.received(welcome, 200_000);
  connection.received({ type: 'ack' }, 200_001);
  connection.closed('gone', 200_002);
  assert.equal(connection.deadline(), 200_502);
});

test('the pause between attempts has jitter and stays in its bounds', () => {
  for (let attempt = 0; attempt < 40; ++attempt) {
    for (const random of [0, 0.5, 0.999]) {
      const seconds = backoffSeconds(attempt, random);
      assert.ok(seconds >= backoffSecondsMin && seconds <= backoffSecondsMax);
    }
  }
  assert.notEqual(backoffSeconds(3, 0), backoffSeconds(3, 0.9));
});

test('a socket that never opens, and a hello that is never answered, are given up', () => {
  const unopened = new Connection();
  unopened.start(0);
  assert.equal(unopened.tick(10_000)[0].do, 'close');
  assert.equal(unopened.phase, 'waiting');

  const unanswered = new Connection();
  unanswered.start(0);
  unanswered.able(0);
  unanswered.opened(4000);
  assert.deepEqual(unanswered.tick(13_999), []);
  assert.equal(unanswered.tick(14_000)[0].do, 'close');
});

test('a goodbye that allows it leads back, one that does not needs a person', () => {
  const asked = joined();
  assert.equal(asked.received(goodbye('master_stopping', true), 50)[0].do, 'close');
  assert.equal(asked.phase, 'waiting');
  assert.equal(asked.reason, 'because master_stopping');

  const refused = joined();
  refused.received(goodbye('refused_token', false), 50);
  assert.equal(refused.phase, 'refused');
  assert.equal(refused.refusedCode, 'refused_token');
  assert.equal(refused.deadline(), Infinity);
  assert.deepEqual(refused.closed('socket closed', 51), []);
  assert.equal(refused.phase, 'refused');
  assert.deepEqual(refused.retry(60), [{ do: 'open' }]);
});

for (const code of ['unknown_session', 'protocol_violation']) {
  test(`after ${code} nothing of the old session is kept, lest it offends again`, () => {
    const connection = joined();
    const actions = connection.received(goodbye(code, true), 50);
    assert.deepEqual(actions.at(-1), { do: 'drop' });
    connection.tick(connection.deadline());
    assert.deepEqual(connection.opened(3000), [{ do: 'hello', resume: '' }]);
  });
}

test('messages out of turn end the connection', () => {
  const early = new Connection();
  early.start(0);
  early.opened(1);
  assert.equal(early.received({ type: 'ack' }, 2)[0].do, 'close');

  const beforeHello = new Connection();
  beforeHello.start(0);
  beforeHello.opened(1);
  assert.equal(beforeHello.received(welcome, 2)[0].do, 'close');

  const twice = joined();
  assert.equal(twice.received(welcome, 40)[0].do, 'close');
  assert.match(twice.reason, /welcome out of turn/);
});

test('leaving stays away until a person asks, and starts a new session then', () => {
  const connection = joined();
  assert.deepEqual(connection.leave(), [{ do: 'close', reason: 'left' }]);
  assert.equal(connection.deadline(), Infinity);
  assert.deepEqual(connection.retry(100), [{ do: 'open' }]);
  assert.deepEqual(connection.opened(101), [{ do: 'hello', resume: '' }]);
  assert.equal(connection.worker, 'browser-1');
});

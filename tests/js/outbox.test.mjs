import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Outbox } from '../../web/worker/outbox.js';

/** @param {number} size @param {number} [fill] */
function frame(size, fill = 0) {
  return new Uint8Array(size).fill(fill);
}

test('an ack confirms what was sent before its heartbeat, and nothing after', () => {
  const outbox = new Outbox();
  const [before, between, after] = [frame(1, 1), frame(1, 2), frame(1, 3)];
  outbox.sent(before);
  outbox.heartbeatSent();
  outbox.sent(between);
  outbox.heartbeatSent();
  outbox.sent(after);
  outbox.confirmed();
  outbox.confirmed();
  assert.deepEqual(outbox.unconfirmed(), [after]);
});

test('after a loss the acks that never came confirm nothing', () => {
  const outbox = new Outbox();
  outbox.heartbeatSent();
  outbox.sent(frame(1, 1));
  outbox.heartbeatSent();
  assert.equal(outbox.unconfirmed().length, 1);
  outbox.heartbeatSent(); // Of the new connection, after the frames were sent again.
  outbox.confirmed();
  assert.deepEqual(outbox.unconfirmed(), []);
});

test('past its limit it forgets the oldest', () => {
  const outbox = new Outbox(100);
  for (let i = 1; i <= 5; ++i) outbox.sent(frame(40, i));
  assert.deepEqual(
    outbox.unconfirmed().map(([first]) => first),
    [4, 5],
  );
  outbox.clear();
  assert.deepEqual(outbox.unconfirmed(), []);
});

// Which slot computes what: leases and outcomes go in, messages to post come out.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OutcomeWriter, PayloadReader } from '../../web/payload.js';
import { decodeFrame, decodeMasterMessage } from '../../web/protocol.js';
import { Dispatcher, revokeGraceMs } from '../../web/worker/dispatcher.js';
import { decodeOutcomes, leaseFrame } from '../support/master_codec.mjs';

/** @typedef {import('../../web/worker/messages.js').RunChunk} RunChunk */
/** @typedef {import('../support/master_codec.mjs').LeaseFields} LeaseFields */

/** @param {LeaseFields} fields */
function lease(fields) {
  const { header, payload } = decodeFrame(leaseFrame(fields));
  return /** @type {import('../../web/protocol.js').Lease} */ (
    decodeMasterMessage(header, payload)
  );
}

/** @param {number} id @param {number} taskCount @param {Partial<LeaseFields>} [fields] */
function noopLease(id, taskCount, fields = {}) {
  const tasks = Array.from({ length: taskCount }, (_, index) => ({
    index,
    inputs: [Buffer.of(1)],
  }));
  return lease({ lease: id, kernel: 'noop', tasks, ...fields });
}

/** @param {RunChunk} message indices of the tasks in a chunk */
function indices(message) {
  const reader = new PayloadReader(new Uint8Array(message.tasks));
  return Array.from({ length: message.count }, () => reader.task().index);
}

/** @param {Dispatcher} dispatcher @returns {{slot: number, message: RunChunk}[]} */
function runs(dispatcher) {
  return /** @type {any} */ (dispatcher.dispatch().filter(({ message }) => message.type === 'run'));
}

/**
 * What a slot answers when it has done some or all of a chunk.
 * @param {RunChunk} message @param {{count?: number, seconds?: number, more?: boolean}} [how]
 */
function answer(message, { count = message.count, seconds = 0, more = false } = {}) {
  const writer = new OutcomeWriter();
  for (const index of indices(message).slice(0, count)) writer.succeeded(index, Uint8Array.of(1));
  const { bytes } = writer.take();
  /** @type {import('../../web/worker/messages.js').ChunkOutcomes} */
  const outcomes = {
    type: 'outcomes',
    chunk: message.chunk,
    count,
    failed: 0,
    bytes,
    busySeconds: seconds,
    more,
    broken: false,
    memoryBytes: 0,
  };
  return outcomes;
}

/** @param {Dispatcher} dispatcher @returns {number[]} indices, in order of arrival */
function sentIndices(dispatcher) {
  return dispatcher.takeResults().flatMap(({ outcomes, count }) => {
    const bytes = Buffer.concat(outcomes);
    return decodeOutcomes(bytes, count).map(({ index }) => index);
  });
}

/** @param {number} slots */
function withSlots(slots) {
  const dispatcher = new Dispatcher({ slotCacheBytes: 1000 });
  for (let slot = 1; slot <= slots; ++slot) dispatcher.slotReady(slot);
  return dispatcher;
}

/** Runs everything to its end. @param {Dispatcher} dispatcher @param {number} secondsPerTask */
function runAll(dispatcher, secondsPerTask) {
  const counts = [];
  /** @type {{slot: number, message: RunChunk}[]} */
  const posted = [];
  for (let step = 0; step < 100_000; ++step) {
    posted.push(...runs(dispatcher));
    const next = posted.shift();
    if (!next) return counts;
    counts.push(next.message.count);
    dispatcher.received(
      next.slot,
      answer(next.message, { seconds: secondsPerTask * next.message.count }),
      step,
    );
  }
  throw new Error('the dispatcher does not come to an end');
}

test('every task of a lease is done once, and then the lease is over', () => {
  const dispatcher = withSlots(3);
  dispatcher.addLease(noopLease(1, 1000));
  assert.deepEqual(dispatcher.heldLeases(), [1]);
  runAll(dispatcher, 1e-6);
  assert.deepEqual(
    sentIndices(dispatcher).sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.equal(dispatcher.isIdle(), true);
});

test('chunks of tiny tasks grow to thousands, long tasks go one by one', () => {
  const tiny = withSlots(1);
  tiny.addLease(noopLease(1, 50_000));
  const counts = runAll(tiny, 1e-6);
  assert.deepEqual(counts.slice(0, 4), [1, 4, 4, 16]);
  assert.ok(Math.max(...counts) >= 4096, `largest chunk: ${Math.max(...counts)}`);

  const long = withSlots(1);
  long.addLease(noopLease(1, 50));
  assert.deepEqual(new Set(runAll(long, 0.5)), new Set([1]));
});

test('a second chunk waits at a slot for short tasks only', () => {
  for (const [seconds, depth] of /** @type {[number, number][]} */ ([
    [0.001, 2],
    [0.5, 1],
  ])) {
    const dispatcher = withSlots(1);
    dispatcher.addLease(noopLease(1, 1000));
    const [{ slot, message }] = runs(dispatcher);
    dispatcher.received(slot, answer(message, { seconds }), 0);
    assert.equal(runs(dispatcher).length, depth, `tasks of ${seconds} s`);
  }
});

test('a lease is spread over all slots, however small its tasks', () => {
  const dispatcher = withSlots(4);
  dispatcher.addLease(noopLease(1, 2000));
  runAll(dispatcher, 1e-6);
  dispatcher.addLease(noopLease(2, 40));
  const posted = runs(dispatcher);
  assert.deepEqual(new Set(posted.map(({ slot }) => slot)), new Set([1, 2, 3, 4]));
  assert.ok(posted.every(({ message }) => message.count <= 10));
});

test('shared inputs go to a slot once, and are forgotten with the lease', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 2, { shared: [Buffer.from('model')] }));
  const [first] = runs(dispatcher);
  assert.equal(first.message.context?.sharedCount, 1);
  dispatcher.received(1, answer(first.message, { seconds: 1 }), 0);
  const [second] = runs(dispatcher);
  assert.equal(second.message.context, undefined);
  dispatcher.received(1, answer(second.message, { seconds: 1 }), 0);
  assert.deepEqual(dispatcher.dispatch(), [{ slot: 1, message: { type: 'forget', lease: 1 } }]);
});

test('what a chunk hands back is done by whoever is free', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 100));
  runAll(dispatcher, 1e-6);
  sentIndices(dispatcher);
  dispatcher.addLease(noopLease(2, 8));
  const [{ message }] = runs(dispatcher);
  assert.equal(message.count, 8);
  dispatcher.received(1, answer(message, { count: 3, seconds: 0.3, more: true }), 0);
  dispatcher.received(1, answer({ ...message, tasks: message.tasks }, { count: 0 }), 0);
  dispatcher.slotReady(2);
  const again = runs(dispatcher);
  assert.deepEqual(
    again.map(({ message: { count } }) => count),
    [1, 1],
  );
  assert.deepEqual(
    again.flatMap(({ message: chunk }) => indices(chunk)),
    [3, 4],
  );
});

test('a revoked lease gives no work and no results any more, and its chunk is stopped late', () => {
  const dispatcher = withSlots(2);
  dispatcher.addLease(noopLease(1, 10));
  const [first, second] = runs(dispatcher);
  dispatcher.received(first.slot, answer(first.message, { seconds: 1 }), 0);
  dispatcher.revoke(1, 1000);
  assert.deepEqual(dispatcher.takeResults(), []);
  assert.deepEqual(dispatcher.heldLeases(), []);
  assert.deepEqual(runs(dispatcher), []);
  assert.equal(dispatcher.deadline(), 1000 + revokeGraceMs);
  assert.deepEqual(dispatcher.overdue(1000 + revokeGraceMs - 1), []);
  assert.deepEqual(dispatcher.overdue(1000 + revokeGraceMs), [second.slot]);
  dispatcher.received(second.slot, answer(second.message), 1100);
  assert.deepEqual(dispatcher.overdue(5000), []);
  assert.deepEqual(dispatcher.takeResults(), []);
});

test('results that were not sent yet go with their lease, even if it is complete', () => {
  for (const forget of ['revoke', 'revokeAll']) {
    const dispatcher = withSlots(1);
    dispatcher.addLease(noopLease(1, 2));
    runAll(dispatcher, 1e-6);
    assert.equal(dispatcher.isIdle(), true);
    if (forget === 'revoke') dispatcher.revoke(1, 0);
    else dispatcher.revokeAll(0);
    assert.deepEqual(dispatcher.takeResults(), [], forget);
  }
});

test('a revoked chunk that waited behind another gets its grace once it runs', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 3));
  runAll(dispatcher, 1e-6);
  dispatcher.addLease(noopLease(2, 1));
  dispatcher.addLease(noopLease(3, 1));
  const [running] = runs(dispatcher);
  dispatcher.revoke(3, 100);
  assert.equal(dispatcher.deadline(), Infinity);
  dispatcher.received(1, answer(running.message), 900);
  assert.equal(dispatcher.deadline(), 900 + revokeGraceMs);
});

test('the work of a thread that is gone goes to others, except what was revoked', () => {
  const dispatcher = withSlots(2);
  dispatcher.addLease(noopLease(1, 2));
  const [lost] = runs(dispatcher);
  dispatcher.slotGone(lost.slot, { crashed: false });
  dispatcher.slotReady(3);
  const [again] = runs(dispatcher);
  assert.equal(again.slot, 3);
  assert.deepEqual(indices(again.message), indices(lost.message));
  assert.ok(again.message.context, 'a new thread needs the shared inputs again');
});

test('a task that keeps killing its thread is reported as failed', () => {
  const dispatcher = new Dispatcher();
  dispatcher.addLease(noopLease(1, 1));
  for (let slot = 1; slot <= 3; ++slot) {
    dispatcher.slotReady(slot);
    assert.equal(runs(dispatcher).length, 1);
    dispatcher.slotGone(slot, { crashed: true });
  }
  const [{ outcomes }] = dispatcher.takeResults();
  const [outcome] = decodeOutcomes(outcomes[0], 1);
  assert.equal(outcome.status, 9);
  assert.match(outcome.bytes.toString(), /task 0 stopped its thread 3 times/);
  assert.equal(dispatcher.isIdle(), true);
});

test('a slot gets the tasks whose blobs it holds, and others leave them to it', () => {
  const blobs = ['aa', 'bb'].map((digits) => ({ sha256: digits.repeat(32), size: 100 }));
  const tasks = blobs.map((blob, index) => ({ index, inputs: [blob] }));
  const dispatcher = withSlots(2);
  dispatcher.addLease(lease({ lease: 1, kernel: 'fit', tasks }));
  const first = runs(dispatcher);
  for (const { slot, message } of first)
    dispatcher.received(slot, answer(message, { seconds: 1 }), 0);
  assert.deepEqual(dispatcher.missingBlobs(1), []);

  dispatcher.addLease(lease({ lease: 2, kernel: 'fit', tasks: [...tasks].reverse() }));
  assert.deepEqual(dispatcher.missingBlobs(2), [], 'both are at a slot already');
  const second = runs(dispatcher);
  assert.deepEqual(
    second.map(({ slot, message }) => [slot, indices(message)]),
    first.map(({ slot, message }) => [slot, indices(message)]),
  );
});

test('blobs to prefetch are the shared ones first, then the tasks’, each once', () => {
  const [shared, own] = ['aa', 'bb'].map((digits) => ({ sha256: digits.repeat(32), size: 7 }));
  const dispatcher = withSlots(1);
  const tasks = [0, 1].map((index) => ({ index, inputs: [own, shared] }));
  dispatcher.addLease(lease({ lease: 1, kernel: 'fit', shared: [shared], tasks }));
  assert.deepEqual(dispatcher.missingBlobs(1), [shared, own]);
});

test('results are batched by lease, and no batch outgrows a frame', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 5));
  for (let i = 0; i < 5; ++i) {
    const [{ message }] = runs(dispatcher);
    const outcomes = { ...answer(message, { seconds: 1 }), bytes: new Uint8Array(5 * 2 ** 20) };
    dispatcher.received(1, outcomes, 0);
  }
  const batches = dispatcher.takeResults();
  assert.deepEqual(
    batches.map(({ count }) => count),
    [1, 1, 1, 1, 1],
  );
  assert.deepEqual(dispatcher.takeResults(), []);
});

test('a retired slot gets nothing more, and a late answer to nothing is ignored', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 3));
  const [{ message }] = runs(dispatcher);
  dispatcher.retire(1, true);
  dispatcher.received(1, answer(message), 0);
  assert.deepEqual(runs(dispatcher), []);
  assert.equal(dispatcher.busySlots().size, 0);
  dispatcher.received(1, answer(message), 0);
  assert.equal(dispatcher.takeResults()[0].count, 1);
});

test('a lease that comes twice is done once', () => {
  const dispatcher = withSlots(1);
  dispatcher.addLease(noopLease(1, 2));
  dispatcher.addLease(noopLease(1, 2));
  runAll(dispatcher, 1);
  assert.deepEqual(sentIndices(dispatcher).length, 2);
});

// The page's codec against the same examples that the C++ codec is tested with.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { errorCodes, OutcomeWriter, PayloadReader, ProtocolError } from '../../web/payload.js';
import * as protocol from '../../web/protocol.js';
import { decodeOutcomes, encodeLease } from '../support/master_codec.mjs';

/**
 * @typedef {{name: string, direction: 'worker' | 'master', says?: string, frame_hex?: string,
 *            header: Record<string, any>, payload_hex: string}} Case
 */

/** @param {string} file @returns {Case[]} */
function cases(file) {
  const url = new URL(`../fixtures/protocol/${file}`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')).cases;
}

/** @param {string} hex @returns {Uint8Array<ArrayBuffer>} */
function bytesOf(hex) {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** @param {Case} example @returns {ArrayBuffer} */
function frameOf({ frame_hex: hex, header, payload_hex: payload }) {
  return hex === undefined
    ? protocol.encodeFrame(header, [bytesOf(payload)]).buffer
    : bytesOf(hex).buffer;
}

/** @param {Case} example */
function decode(example) {
  const { header, payload } = protocol.decodeFrame(frameOf(example));
  return protocol.decodeMasterMessage(header, payload);
}

/** @param {string} name as on the wire */
function camelCase(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

const valid = cases('valid.json');
const malformed = cases('malformed.json').filter(({ direction }) => direction === 'master');

test('there are examples of every message and of many ways to be malformed', () => {
  const types = new Set(valid.map(({ header }) => header.type));
  const wanted = 'hello results heartbeat leave welcome goodbye lease revoke ack'.split(' ');
  assert.deepEqual(
    wanted.filter((type) => !types.has(type)),
    [],
  );
  assert.ok(malformed.length > 50, `${malformed.length} malformed examples`);
});

for (const example of valid.filter(({ direction }) => direction === 'master')) {
  test(`${example.name}: every field of the example comes out of its frame`, () => {
    const message = /** @type {Record<string, any>} */ (decode(example));
    const { task_count: taskCount, ...fields } = example.header;
    for (const [field, value] of Object.entries(fields)) {
      assert.deepEqual(message[camelCase(field)], value, field);
    }
    if (taskCount !== undefined) assert.equal(message.taskOffsets.length, taskCount + 1);
  });
}

for (const example of malformed) {
  test(`${example.name}: refused, and the message says why`, () => {
    assert.throws(
      () => decode(example),
      (error) => error instanceof ProtocolError && error.message.includes(example.says ?? '?'),
    );
  });
}

test('a lease keeps each task where its offsets say, with inline and blob inputs', () => {
  const sha256 = 'ab'.repeat(32);
  const frame = encodeLease({
    lease: 5,
    kernel: 'k',
    shared: [Buffer.from('shared')],
    tasks: [
      { index: 7, inputs: [Buffer.from('one'), { sha256, size: 2 ** 40 }] },
      { index: 0xffffffff, inputs: [] },
    ],
  });
  const { header, payload } = protocol.decodeFrame(frame.buffer);
  const lease = /** @type {protocol.Lease} */ (protocol.decodeMasterMessage(header, payload));
  const [first, second, end] = lease.taskOffsets;
  const shared = new PayloadReader(payload).inputs(lease.sharedCount);
  assert.deepEqual(shared, [
    { kind: 'inline', bytes: bytesOf(Buffer.from('shared').toString('hex')) },
  ]);
  assert.deepEqual(new PayloadReader(payload.subarray(first, second)).task(), {
    index: 7,
    inputs: [
      { kind: 'inline', bytes: new Uint8Array(Buffer.from('one')) },
      { kind: 'blob', sha256, size: 2 ** 40 },
    ],
  });
  assert.deepEqual(new PayloadReader(payload.subarray(second, end)).task(), {
    index: 0xffffffff,
    inputs: [],
  });
});

/** @param {Uint8Array<ArrayBuffer>} frame @param {string} name of the example that it must equal */
function assertIsExample(frame, name) {
  const example = valid.find((one) => one.name === name);
  assert.ok(example, `no example ${name}`);
  const { header, payload } = protocol.decodeFrame(frame.buffer);
  assert.deepEqual(header, example.header);
  assert.equal(Buffer.from(payload).toString('hex'), example.payload_hex);
}

test('what the worker sends is what the examples show', () => {
  const session = '5f0c';
  assertIsExample(
    protocol.encodeHello({
      worker: 'A'.repeat(64),
      token: 'open sesame',
      name: '',
      version: '0.1.0',
      slots: 1024,
      resume: session,
    }),
    'hello_browser',
  );
  assertIsExample(
    protocol.encodeHello({
      worker: 'pc-42_Aa0',
      secret: '00112233445566778899aabbccddeeff',
      token: '',
      name: '',
      version: '0.1.0',
      slots: 2,
      resume: '',
    }),
    'hello_secret',
  );
  assertIsExample(
    protocol.encodeHeartbeat({
      session,
      leases: [7, 8],
      slots: 4,
      paused: false,
      cpu: 0.5,
      memoryBytes: 12345678,
      current: 'logistic_newton 3/7/12',
    }),
    'heartbeat',
  );
  assertIsExample(protocol.encodeLeave({ session }), 'leave');
  const outcomes = new OutcomeWriter();
  outcomes.succeeded(5, Uint8Array.of(1, 2, 3));
  outcomes.succeeded(0, new Uint8Array());
  outcomes.failed(6, 'shape_mismatch', 'labels: 7 ≠ 8');
  const { count, bytes } = outcomes.take();
  const fields = { session, lease: 7, job: 3, round: 2, count, busySeconds: 0.25 };
  assertIsExample(protocol.encodeResults(fields, [bytes]), 'results');
});

test('a writer of outcomes grows as it must, and starts empty after each take', () => {
  const writer = new OutcomeWriter();
  const large = new Uint8Array(10_000).fill(9);
  for (let i = 0; i < 20; ++i) writer.succeeded(i, large);
  const first = writer.take();
  assert.equal(first.count, 20);
  assert.deepEqual(
    decodeOutcomes(first.bytes, 20).map(({ index, bytes }) => [index, bytes.length, bytes[9_999]]),
    Array.from({ length: 20 }, (_, i) => [i, 10_000, 9]),
  );
  assert.deepEqual(writer.take(), { count: 0, bytes: new Uint8Array() });
});

test('a failure with an unheard-of code is an internal one', () => {
  const writer = new OutcomeWriter();
  writer.failed(1, 'made_up', 'why');
  assert.equal(
    decodeOutcomes(writer.take().bytes, 1)[0].status,
    1 + errorCodes.indexOf('internal'),
  );
});

test('a frame of exactly 16 MiB is taken, and one byte more is not', () => {
  const header = protocol.encodeFrame({ type: 'ack' }).length - 4;
  const fits = protocol.encodeFrame({ type: 'ack' }, [
    new Uint8Array(protocol.frameBytesMax - header),
  ]);
  assert.equal(protocol.decodeFrame(fits.buffer).header.type, 'ack');
  const over = protocol.encodeFrame({ type: 'ack' }, [
    new Uint8Array(protocol.frameBytesMax - header + 1),
  ]);
  assert.throws(() => protocol.decodeFrame(over.buffer), ProtocolError);
});

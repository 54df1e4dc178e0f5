// The payload of a lease as compute threads read it, and that of results as they write it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { errorCodes, OutcomeWriter, PayloadReader, ProtocolError } from '../../web/payload.js';
import { decodeOutcomes, encodeInput, encodeTask } from '../support/master_codec.mjs';

test('shared inputs and tasks come out as they were put in, inline and blob', () => {
  const sha256 = 'ab'.repeat(32);
  const shared = new PayloadReader(new Uint8Array(encodeInput(Buffer.from('shared'))));
  assert.deepEqual(shared.inputs(1), [
    { kind: 'inline', bytes: new Uint8Array(Buffer.from('shared')) },
  ]);
  const inputs = [Buffer.from('one'), { sha256, size: 2 ** 40 }];
  const task = new PayloadReader(new Uint8Array(encodeTask({ index: 0xffffffff, inputs })));
  assert.deepEqual(task.task(), {
    index: 0xffffffff,
    inputs: [
      { kind: 'inline', bytes: new Uint8Array(Buffer.from('one')) },
      { kind: 'blob', sha256, size: 2 ** 40 },
    ],
  });
  assert.throws(() => task.u8(), ProtocolError);
});

test('outcomes are written as the example of the protocol shows', () => {
  const file = new URL('../fixtures/protocol/valid.json', import.meta.url);
  /** @type {{cases: any[]}} */
  const examples = JSON.parse(readFileSync(file, 'utf8'));
  const example = examples.cases.find(({ name }) => name === 'results');
  const outcomes = new OutcomeWriter();
  outcomes.succeeded(5, Uint8Array.of(1, 2, 3));
  outcomes.succeeded(0, new Uint8Array());
  outcomes.failed(6, 'shape_mismatch', 'labels: 7 ≠ 8');
  const { count, bytes } = outcomes.take();
  assert.equal(count, example.header.count);
  assert.equal(Buffer.from(bytes).toString('hex'), example.payload_hex);
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

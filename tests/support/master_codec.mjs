/** The master's half of protocol 1, for tests: encodes its messages, decodes a worker's. */

import { decodeFrame, encodeFrame } from './wire.mjs';

/**
 * @typedef {Uint8Array | {sha256: string, size: number}} Input
 * @typedef {{index: number, inputs: Input[]}} Task
 * @typedef {{lease: number, job?: number, round?: number, kernel: string, shared?: Input[],
 *            tasks: Task[], seconds?: number}} LeaseFields
 * @typedef {{index: number, status: number, bytes: Buffer}} Outcome
 * @typedef {{header: Record<string, any>, outcomes: Outcome[]}} WorkerMessage
 */

/** @param {number} value */
function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** @param {Input} input */
export function encodeInput(input) {
  if (input instanceof Uint8Array) return Buffer.concat([Buffer.of(0), u32(input.length), input]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(input.size));
  return Buffer.concat([Buffer.of(1), Buffer.from(input.sha256, 'hex'), size]);
}

/** @param {Task} task */
export function encodeTask({ index, inputs }) {
  return Buffer.concat([u32(index), u32(inputs.length), ...inputs.map(encodeInput)]);
}

/** @param {LeaseFields} fields */
export function encodeLease({
  lease,
  job = 1,
  round = 0,
  kernel,
  shared = [],
  tasks,
  seconds = 30,
}) {
  const parts = [...shared.map(encodeInput), ...tasks.map(encodeTask)];
  const header = {
    type: 'lease',
    lease,
    job,
    round,
    kernel,
    kernel_version: 1,
    seconds,
    shared_count: shared.length,
    task_count: tasks.length,
  };
  return encodeFrame(header, parts);
}

/** @param {Uint8Array} payload @param {number} count @returns {Outcome[]} */
export function decodeOutcomes(payload, count) {
  const bytes = Buffer.from(payload);
  const outcomes = [];
  let offset = 0;
  for (let i = 0; i < count; ++i) {
    const size = bytes.readUInt32LE(offset + 5);
    if (offset + 9 + size > bytes.length) throw new Error('results: an outcome is truncated');
    outcomes.push({
      index: bytes.readUInt32LE(offset),
      status: bytes.readUInt8(offset + 4),
      bytes: bytes.subarray(offset + 9, offset + 9 + size),
    });
    offset += 9 + size;
  }
  if (offset !== bytes.length) throw new Error(`results: ${bytes.length - offset} bytes left over`);
  return outcomes;
}

/** @param {Buffer} message @returns {WorkerMessage} */
export function decodeWorkerMessage(message) {
  const { header, payload } = decodeFrame(message);
  const count = header.type === 'results' ? Number(header.count) : 0;
  return { header, outcomes: decodeOutcomes(payload, count) };
}

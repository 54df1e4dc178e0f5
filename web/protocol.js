/**
 * Protocol 1, as a browser worker speaks it (ARCHITECTURE.md, "The wire"): one WebSocket message
 * is `u32le header_size, header, payload`. What the master sends is checked here to the last
 * byte, so that nothing behind this file has to.
 */

import { HeaderFields } from './header_fields.js';
import { PayloadReader, ProtocolError } from './payload.js';

export const protocolVersion = 1;
export const frameBytesMax = 16 * 2 ** 20; // Header and payload.
export const headerBytesMax = 64 * 2 ** 10;
export const slotsMax = 1024;
const headerDepthMax = 8; // Arrays and objects in each other, more than any message needs.
const periodSecondsMin = 0.01;
const periodSecondsMax = 86_400;
const durationSecondsMax = 1e9;
const inputBytesMin = 5; // Kind and size of an empty inline input.
const taskBytesMin = 8; // Index and input count.

/**
 * @typedef {{type: 'welcome', session: string, worker: string, heartbeatSeconds: number,
 *            silenceSeconds: number, version: string}} Welcome
 * @typedef {{type: 'goodbye', code: string, message: string, retry: boolean}} Goodbye
 * @typedef {{type: 'revoke', lease: number, reason: string}} Revoke
 * @typedef {{type: 'ack'}} Ack
 *
 * A lease keeps its tasks as bytes: task i lies at taskOffsets[i] .. taskOffsets[i + 1] of the
 * payload, and the shared inputs before taskOffsets[0]. So a chunk of tasks is one slice.
 * @typedef {{type: 'lease', lease: number, job: number, round: number, kernel: string,
 *            kernelVersion: number, seconds: number, sharedCount: number,
 *            payload: Uint8Array<ArrayBuffer>, taskOffsets: Uint32Array}} Lease
 *
 * @typedef {Welcome | Goodbye | Lease | Revoke | Ack} MasterMessage
 */

const utf8Encoder = new TextEncoder();

/**
 * One WebSocket message.
 * @param {Record<string, unknown>} header
 * @param {readonly Uint8Array[]} parts joined, they are the payload
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodeFrame(header, parts = []) {
  const text = utf8Encoder.encode(JSON.stringify(header));
  let size = 4 + text.length;
  for (const part of parts) size += part.length;
  const frame = new Uint8Array(size);
  new DataView(frame.buffer).setUint32(0, text.length, true);
  frame.set(text, 4);
  let offset = 4 + text.length;
  for (const part of parts) {
    frame.set(part, offset);
    offset += part.length;
  }
  return frame;
}

/**
 * @param {ArrayBuffer} message
 * @returns {{header: Record<string, unknown>, payload: Uint8Array<ArrayBuffer>}}
 * @throws {ProtocolError} for a frame that is truncated, oversized or has a bad header
 */
export function decodeFrame(message) {
  const left = message.byteLength - 4;
  if (left < 0) {
    throw new ProtocolError(`frame: ${message.byteLength} bytes are too few for a header size`);
  }
  if (left > frameBytesMax) {
    throw new ProtocolError(`frame: ${left} bytes are more than ${frameBytesMax}`);
  }
  const headerSize = new DataView(message).getUint32(0, true);
  if (headerSize > headerBytesMax) {
    throw new ProtocolError(`frame: header size ${headerSize} is more than ${headerBytesMax}`);
  }
  if (headerSize > left) {
    throw new ProtocolError(
      `frame: truncated: header size ${headerSize} but only ${left} bytes follow`,
    );
  }
  return {
    header: decodeHeader(new Uint8Array(message, 4, headerSize)),
    payload: new Uint8Array(message, 4 + headerSize),
  };
}

/** @param {Uint8Array} bytes @returns {Record<string, unknown>} */
function decodeHeader(bytes) {
  let header;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new ProtocolError('header: not JSON');
  }
  if (isDeeperThan(header, headerDepthMax)) {
    throw new ProtocolError('header: arrays or objects too deep in each other');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new ProtocolError('header: not a JSON object');
  }
  if (typeof header.type !== 'string') throw new ProtocolError('header: no "type" text');
  return header;
}

/** @param {unknown} value @param {number} depth @returns {boolean} */
function isDeeperThan(value, depth) {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  return Object.values(value).some((inner) => isDeeperThan(inner, depth - 1));
}

/**
 * @param {Record<string, unknown>} header
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {MasterMessage}
 * @throws {ProtocolError}
 */
export function decodeMasterMessage(header, payload) {
  if (header.type === 'lease') return decodeLease(header, payload);
  const message = decodeBareMessage(header);
  if (payload.length > 0) {
    throw new ProtocolError(`${message.type}: payload: ${payload.length} bytes where none belong`);
  }
  return message;
}

/**
 * @param {Record<string, unknown>} header
 * @returns {Welcome | Goodbye | Revoke | Ack}
 */
function decodeBareMessage(header) {
  const fields = new HeaderFields(header, String(header.type));
  switch (header.type) {
    case 'welcome':
      return {
        type: 'welcome',
        session: fields.key('session'),
        worker: fields.workerId('worker'),
        heartbeatSeconds: fields.number('heartbeat_seconds', periodSecondsMin, periodSecondsMax),
        silenceSeconds: fields.number('silence_seconds', periodSecondsMin, periodSecondsMax),
        version: fields.text('version'),
      };
    case 'goodbye':
      return {
        type: 'goodbye',
        code: fields.text('code', 1),
        message: fields.text('message', 0, headerBytesMax),
        retry: fields.boolean('retry'),
      };
    case 'revoke':
      return { type: 'revoke', lease: fields.id('lease'), reason: fields.text('reason') };
    case 'ack':
      return { type: 'ack' };
    default:
      throw new ProtocolError(
        `header: type: ${JSON.stringify(header.type)} is not a message that a master sends`,
      );
  }
}

/**
 * @param {Record<string, unknown>} header
 * @param {Uint8Array<ArrayBuffer>} payload
 * @returns {Lease}
 */
function decodeLease(header, payload) {
  const fields = new HeaderFields(header, 'lease');
  const sharedCount = fields.whole('shared_count');
  const taskCount = fields.whole('task_count', 1);
  /** @type {Lease} */
  const lease = {
    type: 'lease',
    lease: fields.id('lease'),
    job: fields.id('job'),
    round: fields.whole('round'),
    kernel: fields.text('kernel', 1),
    kernelVersion: fields.whole('kernel_version'),
    seconds: fields.number('seconds', 0, durationSecondsMax),
    sharedCount,
    payload,
    taskOffsets: taskOffsetsOf(payload, sharedCount, taskCount),
  };
  return lease;
}

/**
 * Walks the whole payload, so that whoever reads it later meets no surprise.
 * @param {Uint8Array<ArrayBuffer>} payload
 * @param {number} sharedCount
 * @param {number} taskCount
 */
function taskOffsetsOf(payload, sharedCount, taskCount) {
  const reader = new PayloadReader(payload);
  expectFits(reader, 'shared_count', sharedCount, inputBytesMin);
  for (let i = 0; i < sharedCount; ++i) reader.skipInput();
  expectFits(reader, 'task_count', taskCount, taskBytesMin);
  const offsets = new Uint32Array(taskCount + 1);
  for (let i = 0; i < taskCount; ++i) {
    offsets[i] = reader.offset;
    reader.u32();
    const inputCount = reader.u32();
    expectFits(reader, 'input_count', inputCount, inputBytesMin);
    for (let j = 0; j < inputCount; ++j) reader.skipInput();
  }
  offsets[taskCount] = reader.offset;
  if (reader.left() > 0) {
    throw new ProtocolError(
      `lease: payload: ${reader.left()} bytes left over after ${taskCount} tasks`,
    );
  }
  return offsets;
}

/**
 * A count is believed only if so many of the smallest thing it can count would fit: no number
 * from a stranger decides how much is allocated, or how long a loop runs.
 * @param {PayloadReader} reader
 * @param {string} what
 * @param {number} count
 * @param {number} bytesMin
 */
function expectFits(reader, what, count, bytesMin) {
  if (count * bytesMin <= reader.left()) return;
  throw new ProtocolError(
    `lease: payload: ${what} ${count} does not fit into the ${reader.left()} bytes left`,
  );
}

/**
 * worker -> master, first of all.
 * @param {{worker: string, token: string, name: string, version: string, slots: number,
 *          resume: string, secret?: string}} hello `secret` proves that the id is its own
 */
export function encodeHello({ worker, token, name, version, slots, resume, secret }) {
  return encodeFrame({
    type: 'hello',
    protocol: protocolVersion,
    worker,
    token,
    kind: 'browser',
    name,
    version,
    slots,
    resume,
    ...(secret ? { secret } : {}),
  });
}

/**
 * worker -> master: outcomes of tasks of one lease.
 * @param {{session: string, lease: number, job: number, round: number, count: number,
 *          busySeconds: number}} fields
 * @param {readonly Uint8Array[]} outcomes as OutcomeWriter makes them, `count` in all
 */
export function encodeResults({ session, lease, job, round, count, busySeconds }, outcomes) {
  const header = { type: 'results', session, lease, job, round, count, busy_seconds: busySeconds };
  return encodeFrame(header, outcomes);
}

/**
 * worker -> master, every heartbeat_seconds; naming a lease renews it.
 * @param {{session: string, leases: number[], slots: number, paused: boolean, cpu: number,
 *          memoryBytes: number, current: string}} heartbeat
 */
export function encodeHeartbeat({ session, leases, slots, paused, cpu, memoryBytes, current }) {
  return encodeFrame({
    type: 'heartbeat',
    session,
    leases,
    slots,
    paused,
    cpu,
    memory_bytes: memoryBytes,
    current,
  });
}

/** worker -> master: what it holds is handed back. @param {{session: string}} leave */
export function encodeLeave({ session }) {
  return encodeFrame({ type: 'leave', session });
}

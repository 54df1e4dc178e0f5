/** What strangers send to the master's ZeroMQ ports, made by hand from the protocol's text. */

const commandFlag = 4;
const longFlag = 2;
const moreFlag = 1;

/** The port's name in the configuration, and the ZeroMQ socket that belongs there. */
export const doors = /** @type {const} */ ([
  { port: 'task_port', socketType: 'DEALER' },
  { port: 'result_port', socketType: 'PUSH' },
  { port: 'heartbeat_port', socketType: 'PUB' },
]);

export const greeting = Buffer.concat([
  Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]),
  Buffer.from('NULL'),
  Buffer.alloc(48),
]);

/** The head of a frame that says how long it is. @param {number} flags @param {number} size */
export function frameHead(flags, size) {
  if (size < 256) return Buffer.from([flags, size]);
  const head = Buffer.alloc(9);
  head[0] = flags | longFlag;
  head.writeBigUInt64BE(BigInt(size), 1);
  return head;
}

/** @param {number} flags @param {Buffer | string} body */
function frame(flags, body) {
  const bytes = Buffer.from(body);
  return Buffer.concat([frameHead(flags, bytes.length), bytes]);
}

/** @param {string} socketType */
export function handshake(socketType) {
  const size = Buffer.from([0, 0, 0, socketType.length]);
  const property = Buffer.concat([Buffer.from('\x0bSocket-Type'), size, Buffer.from(socketType)]);
  const ready = Buffer.concat([Buffer.from('\x05READY'), property]);
  return Buffer.concat([greeting, frame(commandFlag, ready)]);
}

/** @param {string} text */
export function headerPart(text) {
  return frame(moreFlag, text);
}

/** @param {object} header @param {Buffer} [payload] */
export function message(header, payload = Buffer.alloc(0)) {
  return Buffer.concat([headerPart(JSON.stringify(header)), frame(0, payload)]);
}

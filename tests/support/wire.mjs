/**
 * Frames of protocol 1 over a WebSocket, by hand: `u32le header_size, header, payload`. Checks
 * nothing, so that tests can send what is wrong.
 */

/**
 * @param {Record<string, unknown>} header
 * @param {readonly Uint8Array[]} parts joined, they are the payload
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function encodeFrame(header, parts = []) {
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(4);
  size.writeUInt32LE(text.length);
  return new Uint8Array(Buffer.concat([size, text, ...parts]));
}

/**
 * @param {Uint8Array} message
 * @returns {{header: Record<string, any>, payload: Uint8Array<ArrayBuffer>}}
 */
export function decodeFrame(message) {
  const bytes = Buffer.from(message);
  const end = 4 + bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.subarray(4, end).toString());
  return { header, payload: new Uint8Array(bytes.subarray(end)) };
}

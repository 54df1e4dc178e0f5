/** The payload of a frame: reads inputs, writes outcomes. */

const utf8Encoder = new TextEncoder();

/** Names of `ErrorCode` in the order of result.hpp: a result's status is 1 + the place here. */
export const errorCodes = Object.freeze([
  'invalid_argument',
  'shape_mismatch',
  'not_found',
  'out_of_memory',
  'permission_denied',
  'limit_exceeded',
  'protocol_violation',
  'unavailable',
  'internal',
]);

/** A peer broke the protocol; the message names the field, its value and what it should be. */
export class ProtocolError extends Error {}

/**
 * @typedef {{kind: 'inline', bytes: Uint8Array<ArrayBuffer>}} InlineInput
 * @typedef {{kind: 'blob', sha256: string, size: number}} BlobInput
 * @typedef {InlineInput | BlobInput} WireInput
 */

/** Reads the little-endian parts of a payload; a read past the end throws ProtocolError. */
export class PayloadReader {
  /** @param {Uint8Array<ArrayBuffer>} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = 0;
  }

  left() {
    return this.bytes.length - this.offset;
  }

  u8() {
    return this.view.getUint8(this.#advance(1));
  }

  u32() {
    return this.view.getUint32(this.#advance(4), true);
  }

  /** The next `size` bytes, not copied. @param {number} size */
  take(size) {
    const start = this.#advance(size);
    return this.bytes.subarray(start, start + size);
  }

  /** @returns {WireInput} */
  input() {
    if (this.#inputKind() === 0) return { kind: 'inline', bytes: this.take(this.u32()) };
    const sha256 = hex(this.take(32));
    const size = Number(this.view.getBigUint64(this.#advance(8), true));
    return { kind: 'blob', sha256, size };
  }

  /** @param {number} count */
  inputs(count) {
    /** @type {WireInput[]} */
    const inputs = [];
    for (let i = 0; i < count; ++i) inputs.push(this.input());
    return inputs;
  }

  /** @returns {{index: number, inputs: WireInput[]}} */
  task() {
    const index = this.u32();
    return { index, inputs: this.inputs(this.u32()) };
  }

  #inputKind() {
    const kind = this.u8();
    if (kind > 1) {
      throw new ProtocolError(
        `lease: payload: input kind ${kind} is neither 0 (inline) nor 1 (blob)`,
      );
    }
    return kind;
  }

  /** @param {number} size */
  #advance(size) {
    const start = this.offset;
    if (size > this.bytes.length - start) {
      throw new ProtocolError(
        `lease: payload: truncated: ${size} bytes wanted at ${start}, ${this.left()} are left`,
      );
    }
    this.offset = start + size;
    return start;
  }
}

/** Collects outcomes in the form in which `results` carries them. */
export class OutcomeWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  size = 0;
  count = 0;

  /** @param {number} index @param {Uint8Array} output */
  succeeded(index, output) {
    this.#outcome(index, 0, output);
  }

  /** @param {number} index @param {string} code one of errorCodes @param {string} message */
  failed(index, code, message) {
    const place = errorCodes.indexOf(code);
    const status = 1 + (place < 0 ? errorCodes.indexOf('internal') : place);
    this.#outcome(index, status, utf8Encoder.encode(message));
  }

  /** What was written since the last take(); a copy, so its buffer may be transferred. */
  take() {
    const taken = { count: this.count, bytes: this.#bytes.slice(0, this.size) };
    this.size = 0;
    this.count = 0;
    return taken;
  }

  /** @param {number} index @param {number} status @param {Uint8Array} bytes */
  #outcome(index, status, bytes) {
    this.#reserve(9 + bytes.length);
    this.#view.setUint32(this.size, index, true);
    this.#view.setUint8(this.size + 4, status);
    this.#view.setUint32(this.size + 5, bytes.length, true);
    this.#bytes.set(bytes, this.size + 9);
    this.size += 9 + bytes.length;
    ++this.count;
  }

  /** @param {number} more */
  #reserve(more) {
    if (this.size + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.size + more));
    grown.set(this.#bytes.subarray(0, this.size));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  let digits = '';
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0');
  return digits;
}

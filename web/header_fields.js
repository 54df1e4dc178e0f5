/** Reads the fields of a frame's header, which a stranger may have written. */

import { ProtocolError } from './payload.js';

const textBytesMax = 200;
const keyBytesMax = 64;
const u32Max = 0xffffffff;
const utf8Encoder = new TextEncoder();

/** Every reader throws ProtocolError that names the message, the field, its value and the rule. */
export class HeaderFields {
  #header;
  #message;

  /** @param {Record<string, unknown>} header @param {string} message */
  constructor(header, message) {
    this.#header = header;
    this.#message = message;
  }

  /** @param {string} field @param {number} [min] @param {number} [max] in bytes of UTF-8 */
  text(field, min = 0, max = textBytesMax) {
    const value = this.#find(field);
    const size = typeof value === 'string' ? utf8Encoder.encode(value).length : -1;
    if (typeof value !== 'string' || size < min || size > max) {
      throw this.#wrong(field, value, `text of ${min}..${max} bytes`);
    }
    return value;
  }

  /** A session's key. @param {string} field */
  key(field) {
    return this.text(field, 1, keyBytesMax);
  }

  /** @param {string} field */
  workerId(field) {
    const value = this.text(field, 8, keyBytesMax);
    if (/^[A-Za-z0-9_-]+$/.test(value)) return value;
    throw this.#wrong(field, value, 'made of A-Z, a-z, 0-9, _ and - only');
  }

  /** @param {string} field @param {number} min @param {number} max */
  number(field, min, max) {
    const value = this.#find(field);
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw this.#wrong(field, value, `a number ${min}..${max}`);
  }

  /** @param {string} field @param {number} [min] @param {number} [max] */
  whole(field, min = 0, max = u32Max) {
    const value = this.#find(field);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw this.#wrong(field, value, `a whole number ${min}..${max}`);
  }

  /** @param {string} field */
  id(field) {
    return this.whole(field, 1, Number.MAX_SAFE_INTEGER);
  }

  /** @param {string} field */
  boolean(field) {
    const value = this.#find(field);
    if (typeof value === 'boolean') return value;
    throw this.#wrong(field, value, 'true or false');
  }

  /** @param {string} field */
  #find(field) {
    if (Object.hasOwn(this.#header, field)) return this.#header[field];
    throw new ProtocolError(`${this.#message}: ${field} is missing`);
  }

  /** @param {string} field @param {unknown} value @param {string} rule */
  #wrong(field, value, rule) {
    const json = JSON.stringify(value);
    const shown = json.length > 60 ? `${json.slice(0, 60)}…` : json;
    return new ProtocolError(`${this.#message}: ${field}: ${shown} is not ${rule}`);
  }
}

/** Things that arrive, and tests that await them. */

import { patience } from './patience.mjs';

const waitMs = 15_000 * patience;

/** @template T */
export class Mailbox {
  /** @type {T[]} */
  #items = [];
  /** @type {{matches: (item: T) => boolean, resolve: (item: T) => void}[]} */
  #waiting = [];
  #name;

  /** @param {string} name for the message of a test that waited in vain */
  constructor(name) {
    this.#name = name;
  }

  /** @param {T} item */
  put(item) {
    const at = this.#waiting.findIndex(({ matches }) => matches(item));
    if (at >= 0) this.#waiting.splice(at, 1)[0].resolve(item);
    else this.#items.push(item);
  }

  /**
   * The first that matches, of those that came or will come; it is taken out.
   * @param {(item: T) => boolean} [matches]
   * @returns {Promise<T>}
   */
  take(matches = () => true) {
    const at = this.#items.findIndex(matches);
    if (at >= 0) return Promise.resolve(this.#items.splice(at, 1)[0]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#name}: nothing that fits came in ${waitMs / 1000} s`)),
        waitMs,
      );
      this.#waiting.push({
        matches,
        resolve: (item) => {
          clearTimeout(timer);
          resolve(item);
        },
      });
    });
  }

  /** Those that came and were not taken. */
  get items() {
    return this.#items;
  }
}

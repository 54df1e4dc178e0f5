/** The dashboard's live feed, followed by a test that waits for something to be so. */

import { WebSocket } from 'ws';

import { mergePatch } from '../../web/dashboard/merge_patch.js';
import { patience } from './patience.mjs';

const waitMs = 60_000 * patience;

export class Feed {
  /** @type {any} the tree that the dashboard shows */
  state = null;
  #socket;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {string} url of the feed, with its token where one is asked for */
  constructor(url) {
    this.#socket = new WebSocket(url);
    this.#socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      this.state =
        message.type === 'snapshot' ? message.state : mergePatch(this.state, message.patch);
      for (const listener of [...this.#listeners]) listener();
    });
    /** Resolves with the HTTP status that refused it, or with 101. @type {Promise<number>} */
    this.opened = new Promise((resolve) => {
      this.#socket.on('open', () => resolve(101));
      this.#socket.on('unexpected-response', (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      this.#socket.on('error', () => resolve(0));
    });
  }

  /**
   * Waits for a state; answers what `look` found in it.
   * @template T
   * @param {string} what for the message of a test that waited in vain
   * @param {(state: any) => T} look
   * @returns {Promise<T>}
   */
  until(what, look) {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.state === null ? null : look(this.state);
        if (!found) return;
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(check);
        const state = JSON.stringify(this.state, null, 1);
        reject(
          new Error(`in ${waitMs / 1000} s it was not so that ${what}; the feed says ${state}`),
        );
      }, waitMs);
      this.#listeners.add(check);
      check();
    });
  }

  close() {
    this.#socket.terminate();
  }
}

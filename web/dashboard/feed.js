/**
 * The live feed: one WebSocket that reconnects by itself and reports its status.
 *
 * @typedef {{kind: 'connecting'} | {kind: 'live'} | {kind: 'refused'}
 *         | {kind: 'waiting', retryAt: number}} FeedStatus
 */

import { backoffSeconds } from '../backoff.js';
import { siteUrl, socketUrl } from '../site.js';

const probeMsMax = 10_000;
// A timeout. The feed has a message at least each second, because the master's uptime changes;
// after this PC slept, the browser may not notice that the connection is dead.
const silenceMsMax = 20_000;

export class Feed {
  #token;
  #onMessage;
  #onStatus;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /**
   * @param {{
   *   token: string,
   *   onMessage: (message: unknown) => void,
   *   onStatus: (status: FeedStatus) => void,
   * }} parts `onMessage` may throw: then the feed reconnects and gets a new snapshot
   */
  constructor({ token, onMessage, onStatus }) {
    this.#token = token;
    this.#onMessage = onMessage;
    this.#onStatus = onStatus;
  }

  /** Connects now, without waiting for the next retry. @param {string} [token] */
  connect(token = this.#token) {
    this.#token = token;
    clearTimeout(this.#timer);
    this.#drop();
    this.#onStatus({ kind: 'connecting' });
    const query = this.#token ? `?token=${encodeURIComponent(this.#token)}` : '';
    const socket = new WebSocket(socketUrl(`ws/dashboard${query}`));
    this.#socket = socket;
    this.#expectNews();
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) this.#received(data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#closed(socket, code);
    };
  }

  /** @param {unknown} data */
  #received(data) {
    this.#expectNews();
    try {
      this.#onMessage(JSON.parse(String(data)));
    } catch (error) {
      console.warn('The feed starts anew:', error);
      this.#drop();
      this.#wait();
      return;
    }
    this.#attempt = 0;
    this.#onStatus({ kind: 'live' });
  }

  /** @param {WebSocket} socket @param {number} code */
  async #closed(socket, code) {
    const policyViolation = 1008;
    const refused = code === policyViolation || (await this.#isRefused());
    if (socket !== this.#socket) return; // connect() was called meanwhile.
    this.#socket = null;
    clearTimeout(this.#silence);
    if (refused) this.#onStatus({ kind: 'refused' });
    else this.#wait();
  }

  /**
   * Whether the token was the reason. A script cannot see why an upgrade failed, so this requests
   * the same path without an upgrade and reads the status.
   */
  async #isRefused() {
    try {
      const { status } = await fetch(siteUrl('ws/dashboard'), {
        headers: this.#token ? { Authorization: `Bearer ${this.#token}` } : {},
        signal: AbortSignal.timeout(probeMsMax),
      });
      return status === 401 || status === 403;
    } catch {
      return false;
    }
  }

  #expectNews() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#drop();
      this.#wait();
    }, silenceMsMax);
  }

  #wait() {
    clearTimeout(this.#silence);
    const delayMs = 1000 * backoffSeconds(this.#attempt++, Math.random());
    this.#onStatus({ kind: 'waiting', retryAt: performance.now() + delayMs });
    this.#timer = setTimeout(() => this.connect(), delayMs);
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}

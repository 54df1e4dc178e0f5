/**
 * When to connect, greet, beat and give up: the link's decisions without its socket. Each method
 * is something that happened, at `now` (in milliseconds); what it returns is what to do next.
 *
 * @typedef {import('../protocol.js').MasterMessage} MasterMessage
 * @typedef {import('../protocol.js').Lease} Lease
 *
 * @typedef {{do: 'open'}
 *         | {do: 'close', reason: string}
 *         | {do: 'hello', resume: string}
 *         | {do: 'heartbeat'}
 *         | {do: 'joined', resumed: boolean, version: string}
 *         | {do: 'confirmed'}
 *         | {do: 'drop'}
 *         | {do: 'take', lease: Lease}
 *         | {do: 'revoke', lease: number}} Action
 *
 * @typedef {'loading' | 'connecting' | 'joined' | 'waiting' | 'refused' | 'left'} Phase
 */

import { backoffSeconds } from '../backoff.js';

/** After these the master knows nothing of the session, or takes nothing more of it. */
const sessionEndingCodes = ['unknown_session', 'protocol_violation'];
const answerSeconds = 10; // For the socket to open, then for hello to be answered.

export class Connection {
  /** @type {Phase} */
  phase = 'loading';
  /** The key that welcome gave; named by every message, and by `resume` after a loss. */
  session = '';
  /** The id that welcome gave: another than its own where that is somebody else's. */
  worker = '';
  /** Why it is not joined, for people; and the code of the goodbye that refused it. */
  reason = '';
  refusedCode = '';
  /** When it tries again, while it waits. */
  retryAt = Infinity;

  #random;
  #able = false;
  #socketOpen = false;
  #greeted = false;
  #attempt = 0;
  #answerBy = Infinity;
  #lastHeard = 0;
  #nextHeartbeat = Infinity;
  #heartbeatMs = 2000;
  #silenceMs = 10000;

  /** @param {{random?: () => number}} [options] */
  constructor({ random = Math.random } = {}) {
    this.#random = random;
  }

  /** When tick() is due. @returns {number} */
  deadline() {
    switch (this.phase) {
      case 'connecting':
        return this.#answerBy;
      case 'joined':
        return Math.min(this.#nextHeartbeat, this.#lastHeard + this.#silenceMs);
      case 'waiting':
        return this.retryAt;
      default:
        return Infinity;
    }
  }

  /** @param {number} now @returns {Action[]} */
  start(now) {
    this.phase = 'connecting';
    this.reason = '';
    this.refusedCode = '';
    this.retryAt = Infinity;
    this.#socketOpen = false;
    this.#greeted = false;
    this.#answerBy = now + answerSeconds * 1000;
    return [{ do: 'open' }];
  }

  /** The kernels are there: hello may go out. @param {number} now @returns {Action[]} */
  able(now) {
    this.#able = true;
    return this.#greetIfPossible(now);
  }

  /** @param {number} now @returns {Action[]} */
  opened(now) {
    if (this.phase !== 'connecting') return [];
    this.#socketOpen = true;
    // A slow download of the kernels is no failure of the master's.
    if (!this.#able) this.#answerBy = Infinity;
    return this.#greetIfPossible(now);
  }

  /** @param {MasterMessage} message @param {number} now @returns {Action[]} */
  received(message, now) {
    this.#lastHeard = now;
    if (message.type === 'goodbye') return this.#dismissed(message, now);
    if (this.phase === 'connecting' && message.type === 'welcome')
      return this.#welcomed(message, now);
    if (this.phase !== 'joined' || message.type === 'welcome') {
      return this.failed(`the master sent ${message.type} out of turn`, now);
    }
    switch (message.type) {
      case 'ack':
        this.#attempt = 0;
        return [{ do: 'confirmed' }];
      case 'lease':
        return [{ do: 'take', lease: message }];
      case 'revoke':
        return [{ do: 'revoke', lease: message.lease }];
    }
  }

  /** The socket closed by itself. @param {string} reason @param {number} now @returns {Action[]} */
  closed(reason, now) {
    if (this.phase !== 'connecting' && this.phase !== 'joined') return [];
    this.#wait(reason, now);
    return [];
  }

  /** This side gives the connection up. @param {string} reason @param {number} now */
  failed(reason, now) {
    if (this.phase !== 'connecting' && this.phase !== 'joined') return [];
    this.#wait(reason, now);
    return [/** @type {Action} */ ({ do: 'close', reason })];
  }

  /** @param {number} now @returns {Action[]} */
  tick(now) {
    if (now < this.deadline()) return [];
    if (this.phase === 'waiting') return this.start(now);
    if (this.phase === 'connecting') return this.failed('the master did not answer', now);
    if (now >= this.#lastHeard + this.#silenceMs) {
      return this.failed(`nothing heard for ${Math.round(this.#silenceMs / 1000)} s`, now);
    }
    return this.beat(now);
  }

  /** Something changed that the master should hear of at once. @param {number} now */
  beat(now) {
    if (this.phase !== 'joined') return [];
    this.#nextHeartbeat = now + this.#heartbeatMs;
    return [/** @type {Action} */ ({ do: 'heartbeat' })];
  }

  /** A person asks to try again, perhaps with another token. @param {number} now */
  retry(now) {
    if (this.phase !== 'waiting' && this.phase !== 'refused' && this.phase !== 'left') return [];
    this.#attempt = 0;
    return this.start(now);
  }

  /** It leaves by its own wish, and stays away until retry(). */
  leave() {
    const connected = this.phase === 'connecting' || this.phase === 'joined';
    this.phase = 'left';
    this.session = '';
    this.retryAt = Infinity;
    return connected ? [/** @type {Action} */ ({ do: 'close', reason: 'left' })] : [];
  }

  /** @param {number} now @returns {Action[]} */
  #greetIfPossible(now) {
    if (this.phase !== 'connecting' || !this.#socketOpen || !this.#able || this.#greeted) return [];
    this.#greeted = true;
    this.#answerBy = now + answerSeconds * 1000;
    return [{ do: 'hello', resume: this.session }];
  }

  /** @param {import('../protocol.js').Welcome} welcome @param {number} now @returns {Action[]} */
  #welcomed(welcome, now) {
    if (!this.#greeted) return this.failed('the master sent welcome before hello', now);
    const resumed = this.session !== '' && welcome.session === this.session;
    this.phase = 'joined';
    this.session = welcome.session;
    this.worker = welcome.worker;
    this.#heartbeatMs = welcome.heartbeatSeconds * 1000;
    this.#silenceMs = welcome.silenceSeconds * 1000;
    return [{ do: 'joined', resumed, version: welcome.version }, ...this.beat(now)];
  }

  /** @param {import('../protocol.js').Goodbye} goodbye @param {number} now @returns {Action[]} */
  #dismissed(goodbye, now) {
    const reason = goodbye.message || goodbye.code;
    if (goodbye.retry) {
      const keepsSession = !sessionEndingCodes.includes(goodbye.code);
      if (keepsSession) return this.failed(reason, now);
      this.session = '';
      return [...this.failed(reason, now), { do: 'drop' }];
    }
    this.phase = 'refused';
    this.session = '';
    this.reason = reason;
    this.refusedCode = goodbye.code;
    return [{ do: 'close', reason: 'refused' }, { do: 'drop' }];
  }

  /** @param {string} reason @param {number} now */
  #wait(reason, now) {
    this.phase = 'waiting';
    this.reason = reason;
    this.retryAt = now + 1000 * backoffSeconds(this.#attempt, this.#random());
    ++this.#attempt;
  }
}

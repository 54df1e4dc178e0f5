/** The link thread: owns the WebSocket, the timer and the compute threads. It never computes. */

import { backoffSeconds } from '../backoff.js';
import { socketUrl } from '../site.js';
import { compileKernels } from './kernels.js';
import { LinkCore } from './link_core.js';
import { SlotPool } from './slot_pool.js';

/**
 * @typedef {import('./messages.js').PageToLink} PageToLink
 * @typedef {ReturnType<typeof setTimeout> | undefined} Timer
 */

const scope = /** @type {import('./messages.js').WorkerScope} */ (
  /** @type {unknown} */ (globalThis)
);
const statusMsMin = 200;

/** Runs `task` once, after the messages that are already waiting. @param {() => void} task */
function afterThisWake(task) {
  const channel = new MessageChannel();
  let asked = false;
  channel.port1.onmessage = () => {
    asked = false;
    task();
  };
  return () => {
    if (!asked) channel.port2.postMessage(null);
    asked = true;
  };
}

class Link {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {LinkCore} */
  #core;
  /** @type {import('./link_core.js').Surroundings} */
  #around;
  #slots;
  /** @type {Timer} */
  #timer;
  #timerAt = Infinity;
  /** @type {Timer} */
  #statusTimer;
  #shownPhase = '';
  #flushSoon = afterThisWake(() => this.#core.flush());

  /** @param {Extract<PageToLink, {type: 'start'}>} message */
  constructor({ settings, cores }) {
    this.#slots = settings.slots;
    this.#around = {
      now: () => performance.now(),
      openSocket: () => this.#openSocket(),
      closeSocket: (reason) => this.#closeSocket(reason),
      send: (frame) => this.#socket?.send(frame),
      pool: null,
    };
    this.#core = new LinkCore(this.#around, settings, cores);
    this.#changed();
    this.#loadKernels();
  }

  /** @param {Exclude<PageToLink, {type: 'start'}>} message */
  pageAsked(message) {
    if (message.type === 'settings') this.#slots = message.settings.slots;
    this.#core.pageAsked(message);
    this.#changed();
  }

  async #loadKernels() {
    for (let attempt = 0; ; ++attempt) {
      try {
        const module = await compileKernels();
        this.#startPool(module);
        return;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#core.problem(`the kernels cannot be loaded: ${why}`);
        this.#changed();
        const seconds = backoffSeconds(attempt, Math.random());
        await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      }
    }
  }

  /** @param {WebAssembly.Module} module */
  #startPool(module) {
    const core = this.#core;
    const pool = new SlotPool(module, {
      ready: (slot, version) => {
        core.slotReady(slot, version);
        this.#changed();
      },
      outcomes: (slot, outcomes) => {
        core.outcomesReceived(slot, outcomes);
        this.#flushSoon();
        this.#changed();
      },
      gone: (slot, how) => core.slotGone(slot, how),
      retire: (slot, retiring) => core.retire(slot, retiring),
      problem: (message) => {
        core.problem(message);
        this.#changed();
      },
    });
    this.#around.pool = pool;
    pool.resize(this.#slots);
  }

  #openSocket() {
    const socket = new WebSocket(socketUrl('ws/worker'));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    /** @param {() => void} react */
    const ifCurrent = (react) => {
      if (this.#socket !== socket) return;
      react();
      this.#changed();
    };
    socket.onopen = () => ifCurrent(() => this.#core.socketOpened());
    socket.onmessage = ({ data }) => ifCurrent(() => this.#core.frameReceived(data));
    socket.onclose = ({ code, reason }) =>
      ifCurrent(() => {
        this.#socket = null;
        this.#core.socketClosed(closeText(code, reason));
      });
  }

  /** @param {string} reason */
  #closeSocket(reason) {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000, reason.slice(0, 40).replace(/[^ -~]/g, '?'));
  }

  /** Something happened: the timer and the page may need to know. */
  #changed() {
    this.#armTimer();
    const { phase } = this.#core.connection;
    if (phase !== this.#shownPhase) {
      this.#shownPhase = phase;
      this.#showStatus();
    } else if (this.#statusTimer === undefined) {
      this.#statusTimer = setTimeout(() => this.#showStatus(), statusMsMin);
    }
  }

  #showStatus() {
    clearTimeout(this.#statusTimer);
    this.#statusTimer = undefined;
    scope.postMessage(this.#core.status());
  }

  /** A timer that is early re-arms itself, so a later deadline leaves the old one running. */
  #armTimer() {
    const deadline = this.#core.deadline();
    if (deadline >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.#core.tick();
        this.#changed();
      },
      Math.max(0, deadline - performance.now()),
    );
  }
}

/** @param {number} code @param {string} reason */
function closeText(code, reason) {
  if (reason) return reason;
  return code === 1006 ? 'the connection broke' : `the connection was closed (code ${code})`;
}

/** @type {Link | null} */
let link = null;

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  const message = /** @type {PageToLink} */ (data);
  if (message.type === 'start') link = new Link(message);
  else link?.pageAsked(message);
};

/**
 * The link thread: owns the WebSocket, the timer and the compute threads, and carries out the
 * agent's effects. It never computes.
 */

import { backoffSeconds } from '../backoff.js';
import { socketUrl } from '../site.js';
import { Agent, loadAgentModule } from './agent.js';
import { compileKernels } from './kernels.js';
import { SlotPool, slotCacheBytes } from './slot_pool.js';

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
  /** @type {Agent | null} */
  #agent = null;
  /** What happened before there was an agent. @type {((agent: Agent) => void)[]} */
  #untold = [];
  /** @type {SlotPool | null} */
  #pool = null;
  #settings;
  #cores;
  /** @type {Timer} */
  #timer;
  #timerAt = Infinity;
  /** @type {Timer} */
  #statusTimer;
  #shownPhase = -1;
  #flushSoon = afterThisWake(() => this.#tell((agent) => agent.flush()));

  /** @param {Extract<PageToLink, {type: 'start'}>} message */
  constructor({ settings, cores }) {
    this.#settings = settings;
    this.#cores = cores;
    this.#load('the agent', loadAgentModule, (module) => this.#startAgent(module));
    this.#load('the kernels', compileKernels, (module) => this.#startPool(module));
  }

  /** @param {Exclude<PageToLink, {type: 'start'}>} message */
  pageAsked(message) {
    if (message.type === 'settings') this.#settings = message.settings;
    this.#tell((agent) => agent.pageAsked(message));
  }

  /**
   * Tries until it succeeds.
   * @template T
   * @param {string} what @param {() => Promise<T>} attempt @param {(loaded: T) => void} use
   */
  async #load(what, attempt, use) {
    for (let failures = 0; ; ++failures) {
      try {
        return use(await attempt());
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        this.#problem(`${what} cannot be loaded: ${why}`);
        const seconds = backoffSeconds(failures, Math.random());
        await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      }
    }
  }

  /** @param {any} module */
  #startAgent(module) {
    const agent = new Agent(module, this.#settings, {
      cores: this.#cores,
      slotCacheBytes: slotCacheBytes(this.#settings.slots),
      perform: (effect) => this.#perform(effect),
    });
    this.#agent = agent;
    for (const tell of this.#untold.splice(0)) tell(agent);
    this.#changed(agent);
  }

  /** @param {WebAssembly.Module} module */
  #startPool(module) {
    this.#pool = new SlotPool(module, {
      ready: (slot, version) => this.#tell((agent) => agent.slotReady(slot, version)),
      outcomes: (slot, outcomes) => {
        this.#tell((agent) => agent.outcomesReceived(slot, outcomes));
        this.#flushSoon();
      },
      gone: (slot, how) => this.#tell((agent) => agent.slotGone(slot, how)),
      retire: (slot, retiring) => this.#tell((agent) => agent.retire(slot, retiring)),
      problem: (message) => this.#problem(message),
    });
    this.#pool.resize(this.#settings.slots);
  }

  /** @param {(agent: Agent) => void} event */
  #tell(event) {
    if (!this.#agent) return void this.#untold.push(event);
    event(this.#agent);
    this.#changed(this.#agent);
  }

  /** @param {string} message */
  #problem(message) {
    if (this.#agent) this.#tell((agent) => agent.problem(message));
    else scope.postMessage({ ...startingStatus(this.#settings), problem: message });
  }

  /** @param {import('./agent.js').Effect} effect */
  #perform(effect) {
    switch (effect.do) {
      case 'open':
        return this.#openSocket();
      case 'close':
        return this.#closeSocket(effect.reason);
      case 'send':
        return this.#socket?.send(effect.bytes);
      case 'resize':
        return this.#pool?.resize(effect.slots);
      case 'run': {
        const { slot, chunk, lease, count, tasks, context } = effect;
        const buffers = context ? [tasks, context.shared] : [tasks];
        return this.#pool?.post(
          slot,
          { type: 'run', chunk, lease, count, tasks, context },
          buffers,
        );
      }
      case 'forget':
        return this.#pool?.post(effect.slot, { type: 'forget', lease: effect.lease }, []);
      case 'stop':
        return this.#pool?.stop(effect.slot);
      case 'replace':
        return this.#pool?.replace(effect.slot);
      case 'prefetch':
        return this.#pool?.prefetch(effect.blobs);
    }
  }

  #openSocket() {
    const socket = new WebSocket(socketUrl('ws/worker'));
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    /** @param {(agent: Agent) => void} event */
    const ifCurrent = (event) => {
      if (this.#socket === socket) this.#tell(event);
    };
    socket.onopen = () => ifCurrent((agent) => agent.socketOpened());
    socket.onmessage = ({ data }) => ifCurrent((agent) => agent.messageReceived(data));
    socket.onclose = ({ code, reason }) =>
      ifCurrent((agent) => {
        this.#socket = null;
        agent.socketClosed(closeText(code, reason));
      });
  }

  /** @param {string} reason */
  #closeSocket(reason) {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000, reason.slice(0, 40).replace(/[^ -~]/g, '?'));
  }

  /** Something happened: the timer and the page may need to know. @param {Agent} agent */
  #changed(agent) {
    this.#armTimer(agent);
    // A new phase is shown at once, numbers only a few times a second.
    const phase = agent.phase();
    if (phase !== this.#shownPhase) {
      this.#shownPhase = phase;
      this.#showStatus(agent);
    } else if (this.#statusTimer === undefined) {
      this.#statusTimer = setTimeout(() => this.#showStatus(agent), statusMsMin);
    }
  }

  /** @param {Agent} agent */
  #showStatus(agent) {
    clearTimeout(this.#statusTimer);
    this.#statusTimer = undefined;
    scope.postMessage(agent.status());
  }

  /**
   * A timer that is early re-arms itself, so a later deadline leaves the old one running.
   * @param {Agent} agent
   */
  #armTimer(agent) {
    const deadline = agent.deadline();
    if (deadline >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Infinity;
        this.#tell((ready) => ready.tick());
      },
      Math.max(0, deadline - performance.now()),
    );
  }
}

/**
 * Before there is an agent to say it.
 * @param {import('./messages.js').Settings} settings
 * @returns {import('./messages.js').LinkStatus}
 */
function startingStatus({ worker, slots }) {
  return {
    phase: 'loading',
    reason: '',
    refusedCode: '',
    retrySeconds: 0,
    paused: false,
    draining: false,
    problem: '',
    version: '',
    masterVersion: '',
    worker,
    slots,
    slotsBusy: 0,
    leases: 0,
    current: null,
    tasksDone: 0,
    tasksFailed: 0,
    tasksPerSecond: 0,
    cpu: -1,
    memoryBytes: 0,
  };
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

/**
 * The threads of this PC's slots: one compute Web Worker each, and one keeper of blobs for all.
 * A thread that dies or cannot start is replaced, with exponential backoff.
 *
 * @typedef {import('./messages.js').ComputeToLink} ComputeToLink
 * @typedef {import('./messages.js').LinkToCompute} LinkToCompute
 * @typedef {import('./messages.js').ChunkOutcomes} ChunkOutcomes
 * @typedef {import('./messages.js').BlobName} BlobName
 *
 * @typedef {{worker: Worker, ready: boolean, retiring: boolean}} Thread
 *
 * The pool's events. A slot's number names one thread and is never used again.
 * @typedef {{
 *   ready(slot: number, version: string): void,
 *   outcomes(slot: number, outcomes: ChunkOutcomes): void,
 *   gone(slot: number, how: {crashed: boolean}): void,
 *   retire(slot: number, retiring: boolean): void,
 *   problem(message: string): void,
 * }} PoolListener
 */

import { backoffSeconds } from '../backoff.js';

const cacheBytesTotal = 256 * 2 ** 20;
const keeperCacheBytes = 96 * 2 ** 20;

/** Of blobs, in each slot. @param {number} slots */
export function slotCacheBytes(slots) {
  return Math.floor((cacheBytesTotal - keeperCacheBytes) / slots);
}

export class SlotPool {
  /** @type {Map<number, Thread>} */
  #threads = new Map();
  /** @type {Worker | null} */
  #keeper = null;
  #module;
  #listener;
  #size = 0;
  #spawned = 0;
  #failures = 0;
  #respawning = false;

  /** @param {WebAssembly.Module} module @param {PoolListener} listener */
  constructor(module, listener) {
    this.#module = module;
    this.#listener = listener;
  }

  /** Starts threads, or retires those that are too many. @param {number} size */
  resize(size) {
    this.#size = size;
    let active = 0;
    for (const [slot, thread] of this.#threads) {
      const retiring = ++active > size;
      if (retiring === thread.retiring) continue;
      thread.retiring = retiring;
      if (retiring && !thread.ready) this.#drop(slot, { crashed: false });
      else this.#listener.retire(slot, retiring);
    }
    if (!this.#respawning) while (this.#threads.size < size) this.#spawn();
  }

  /** Ends a thread that has nothing to do. @param {number} slot */
  stop(slot) {
    this.#drop(slot, { crashed: false });
  }

  /** Stops a thread in the middle of what it does, and starts another. @param {number} slot */
  replace(slot) {
    this.#drop(slot, { crashed: false });
    this.resize(this.#size);
  }

  /** @param {number} slot @param {LinkToCompute} message @param {Transferable[]} transfer */
  post(slot, message, transfer) {
    this.#threads.get(slot)?.worker.postMessage(message, transfer);
  }

  /** @param {BlobName[]} blobs */
  prefetch(blobs) {
    if (blobs.length > 0) this.#keeper?.postMessage({ type: 'prefetch', blobs });
  }

  #spawn() {
    const slot = ++this.#spawned;
    const worker = new Worker(new URL('./compute.js', import.meta.url), { type: 'module' });
    this.#threads.set(slot, { worker, ready: false, retiring: false });
    worker.onmessage = ({ data }) => this.#received(slot, data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#failed(slot, event.message || 'a compute thread could not start');
    };
    const channel = new MessageChannel();
    const start = {
      type: 'start',
      wasmModule: this.#module,
      blobs: channel.port1,
      cacheBytes: slotCacheBytes(this.#size),
    };
    worker.postMessage(start, [channel.port1]);
    this.#keeperWorker().postMessage({ type: 'serve', port: channel.port2 }, [channel.port2]);
  }

  #keeperWorker() {
    if (this.#keeper) return this.#keeper;
    const keeper = new Worker(new URL('./blob_keeper.js', import.meta.url), { type: 'module' });
    keeper.onmessage = ({ data }) => this.#keeperFailed(keeper, data.message);
    keeper.onerror = (event) => {
      event.preventDefault();
      this.#keeperFailed(keeper, event.message || 'the thread for blobs could not start');
    };
    const start = { type: 'start', wasmModule: this.#module, cacheBytes: keeperCacheBytes };
    keeper.postMessage(start);
    this.#keeper = keeper;
    return keeper;
  }

  /** @param {number} slot @param {ComputeToLink} message */
  #received(slot, message) {
    const thread = this.#threads.get(slot);
    if (!thread) return;
    if (message.type === 'ready') {
      thread.ready = true;
      this.#listener.ready(slot, message.version);
    } else if (message.type === 'unable') {
      this.#failed(slot, message.message);
    } else {
      this.#failures = 0;
      this.#listener.outcomes(slot, message);
    }
  }

  /** @param {number} slot @param {string} why */
  #failed(slot, why) {
    if (!this.#threads.has(slot)) return;
    this.#listener.problem(why);
    this.#drop(slot, { crashed: true });
    this.#respawnLater();
  }

  /**
   * The keeper died, and its ports with it, so every slot is restarted.
   * @param {Worker} keeper
   * @param {string} why
   */
  #keeperFailed(keeper, why) {
    if (keeper !== this.#keeper) return;
    this.#listener.problem(why);
    keeper.terminate();
    this.#keeper = null;
    for (const slot of [...this.#threads.keys()]) this.#drop(slot, { crashed: false });
    this.#respawnLater();
  }

  /** @param {number} slot @param {{crashed: boolean}} how */
  #drop(slot, how) {
    const thread = this.#threads.get(slot);
    if (!thread) return;
    thread.worker.terminate();
    this.#threads.delete(slot);
    this.#listener.gone(slot, how);
  }

  #respawnLater() {
    if (this.#respawning) return;
    this.#respawning = true;
    setTimeout(
      () => {
        this.#respawning = false;
        this.resize(this.#size);
      },
      1000 * backoffSeconds(this.#failures++, Math.random()),
    );
  }
}

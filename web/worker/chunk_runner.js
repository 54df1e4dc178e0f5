/**
 * Runs chunks of tasks on one WebAssembly instance. It never throws: whatever goes wrong in a task
 * becomes the task's outcome.
 *
 * @typedef {import('./messages.js').RunChunk} RunChunk
 * @typedef {import('./messages.js').Kernels} Kernels
 * @typedef {import('./messages.js').ChunkOutcomes} ChunkOutcomes
 * @typedef {import('../payload.js').WireInput} WireInput
 * @typedef {{kernel: string, version: number, shared: WireInput[]}} Context
 */

import { OutcomeWriter, PayloadReader } from '../payload.js';
import { ByteCache } from './byte_cache.js';

/** A chunk that runs longer hands its other tasks back, for other slots to take. */
export const chunkMsMax = 100;
const outcomeBytesMax = 1 * 2 ** 20; // Then the outcomes so far are sent.
export const outputBytesMax = 12 * 2 ** 20; // One output must fit into a frame.

export class ChunkRunner {
  /** @type {Map<number, Context>} */
  #contexts = new Map();
  /** @type {ByteCache<Uint8Array<ArrayBuffer>>} */
  #cache;
  #writer = new OutcomeWriter();
  #kernels;
  #fetchBlob;
  #emit;
  #now;

  /**
   * @param {{
   *   kernels: Kernels,
   *   fetchBlob: (blob: import('./messages.js').BlobName) => Promise<Uint8Array<ArrayBuffer>>,
   *   emit: (outcomes: ChunkOutcomes) => void,
   *   now: () => number,
   *   cacheBytes: number,
   * }} parts `now` in milliseconds
   */
  constructor({ kernels, fetchBlob, emit, now, cacheBytes }) {
    this.#kernels = kernels;
    this.#fetchBlob = fetchBlob;
    this.#emit = emit;
    this.#now = now;
    this.#cache = new ByteCache(cacheBytes);
  }

  /** @param {number} lease */
  forget(lease) {
    this.#contexts.delete(lease);
  }

  /** @param {RunChunk} message */
  async run(message) {
    const context = this.#contextOf(message);
    const reader = new PayloadReader(new Uint8Array(message.tasks));
    const tasks = [];
    for (let i = 0; i < message.count; ++i) tasks.push(reader.task());
    const blobs = await this.#blobsOf([context.shared, ...tasks.map((task) => task.inputs)]);
    this.#compute(message.chunk, context, tasks, blobs);
  }

  /** @param {RunChunk} message @returns {Context} */
  #contextOf({ lease, context }) {
    if (context) {
      const { kernel, version, sharedCount } = context;
      const shared = new PayloadReader(new Uint8Array(context.shared)).inputs(sharedCount);
      this.#contexts.set(lease, { kernel, version, shared });
    }
    const known = this.#contexts.get(lease);
    if (!known) throw new Error(`lease ${lease}: its shared inputs never came here`);
    return known;
  }

  /**
   * Every blob of a chunk, or the error of fetching it; null if the chunk names none.
   * @param {WireInput[][]} inputLists
   * @returns {Promise<Map<string, Uint8Array<ArrayBuffer> | Error> | null>}
   */
  async #blobsOf(inputLists) {
    /** @type {Map<string, Promise<Uint8Array<ArrayBuffer> | Error>>} */
    const wanted = new Map();
    for (const inputs of inputLists) {
      for (const input of inputs) {
        if (input.kind === 'inline' || wanted.has(input.sha256)) continue;
        wanted.set(
          input.sha256,
          this.#blob(input).catch((error) => error),
        );
      }
    }
    if (wanted.size === 0) return null;
    const blobs = new Map();
    for (const [sha256, blob] of wanted) blobs.set(sha256, await blob);
    return blobs;
  }

  /** @param {import('../payload.js').BlobInput} blob */
  async #blob({ sha256, size }) {
    const held = this.#cache.get(sha256);
    if (held) return held;
    const bytes = await this.#fetchBlob({ sha256, size });
    this.#cache.put(sha256, bytes, size);
    return bytes;
  }

  /**
   * @param {number} chunk
   * @param {Context} context
   * @param {{index: number, inputs: WireInput[]}[]} tasks
   * @param {Map<string, Uint8Array<ArrayBuffer> | Error> | null} blobs
   */
  #compute(chunk, context, tasks, blobs) {
    const started = this.#now();
    let emitted = started;
    let failed = 0;
    let broken = false;
    const shared = bytesOf(context.shared, blobs);
    /** @param {boolean} more */
    const emit = (more) => {
      const now = this.#now();
      const { count, bytes } = this.#writer.take();
      const memoryBytes = this.#cache.bytes + (this.#kernels.memoryBytes ?? 0);
      const busySeconds = Math.max(0, now - emitted) / 1000;
      this.#emit({
        type: 'outcomes',
        chunk,
        count,
        failed,
        bytes,
        busySeconds,
        more,
        broken,
        memoryBytes,
      });
      emitted = now;
      failed = 0;
    };
    for (let i = 0; i < tasks.length && !broken; ++i) {
      const state = this.#runTask(context, shared, tasks[i], blobs);
      if (state !== 'succeeded') ++failed;
      broken = state === 'broken';
      if (i + 1 === tasks.length) break;
      if (this.#writer.size > outcomeBytesMax) emit(true);
      if (this.#now() - started > chunkMsMax) break;
    }
    emit(false);
  }

  /**
   * @param {Context} context
   * @param {Uint8Array[] | Error} shared
   * @param {{index: number, inputs: WireInput[]}} task
   * @param {Map<string, Uint8Array<ArrayBuffer> | Error> | null} blobs
   * @returns {'succeeded' | 'failed' | 'broken'}
   */
  #runTask({ kernel, version, shared: sharedInputs }, shared, { index, inputs }, blobs) {
    const own = bytesOf(inputs, blobs);
    const missing = shared instanceof Error ? shared : own instanceof Error ? own : null;
    if (missing) {
      this.#writer.failed(index, 'unavailable', missing.message);
      return 'failed';
    }
    let result;
    try {
      const all = /** @type {Uint8Array[]} */ (shared).concat(/** @type {Uint8Array[]} */ (own));
      result = this.#kernels.run(kernel, version, all, namesOf(sharedInputs, inputs));
    } catch (error) {
      // After a trap the instance's memory may be in any state.
      const message = error instanceof Error ? error.message : String(error);
      this.#writer.failed(
        index,
        isOutOfMemory(error) ? 'out_of_memory' : 'internal',
        `${kernel}: ${message}`,
      );
      return 'broken';
    }
    if (!result.ok) {
      this.#writer.failed(index, result.code, result.message);
      return 'failed';
    }
    if (result.output.length > outputBytesMax) {
      const size = result.output.length;
      const text = `${kernel}: output of ${size} bytes is over ${outputBytesMax}; cut it smaller`;
      this.#writer.failed(index, 'limit_exceeded', text);
      return 'failed';
    }
    this.#writer.succeeded(index, result.output);
    return 'succeeded';
  }
}

/**
 * @param {WireInput[]} inputs
 * @param {Map<string, Uint8Array<ArrayBuffer> | Error> | null} blobs
 * @returns {Uint8Array[] | Error}
 */
function bytesOf(inputs, blobs) {
  const all = [];
  for (const input of inputs) {
    const bytes = input.kind === 'inline' ? input.bytes : blobs?.get(input.sha256);
    if (bytes === undefined) return new Error('a blob was not fetched');
    if (bytes instanceof Error) return bytes;
    all.push(bytes);
  }
  return all;
}

/**
 * For each input that is a blob, its name at the same index; empty if no input is a blob.
 * @param {WireInput[]} shared
 * @param {WireInput[]} own
 */
function namesOf(shared, own) {
  const isBlob = (/** @type {WireInput} */ input) => input.kind !== 'inline';
  if (!shared.some(isBlob) && !own.some(isBlob)) return [];
  return [...shared, ...own].map((input) => (input.kind === 'inline' ? undefined : input.sha256));
}

/** @param {unknown} error */
function isOutOfMemory(error) {
  const text = String(error);
  if (error instanceof RangeError) return !/call stack/i.test(text);
  return /out of memory|enlarge memory|OOM|allocation failed/i.test(text);
}

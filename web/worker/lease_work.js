/**
 * One lease on this PC: which of its tasks are not started yet, and how many have no outcome.
 * Tasks are counted by their place in the lease, not by their index in the round.
 *
 * @typedef {import('../protocol.js').Lease} Lease
 * @typedef {import('./messages.js').BlobName} BlobName
 */

import { PayloadReader } from '../payload.js';

export class LeaseWork {
  /** Tasks without an outcome, started or not. */
  unfinished;
  revoked = false;
  /** Compute threads that died over it: from the first on, its tasks go out one by one. */
  crashes = 0;

  /** @type {{from: number, to: number}[]} places not started, in order */
  #pending;
  /** @type {Map<number, BlobName[]>} */
  #blobs = new Map();

  /** @param {Lease} lease */
  constructor(lease) {
    this.lease = lease;
    this.unfinished = lease.taskOffsets.length - 1;
    this.#pending = [{ from: 0, to: this.unfinished }];
  }

  get pendingCount() {
    return this.#pending.reduce((sum, range) => sum + range.to - range.from, 0);
  }

  /** The first places that are not started, at most `limit`. @param {number} limit */
  pendingPlaces(limit) {
    const places = [];
    for (const { from, to } of this.#pending) {
      for (let place = from; place < to && places.length < limit; ++place) places.push(place);
    }
    return places;
  }

  /**
   * Starts up to `count` tasks in a row, from `place` on.
   * @param {number} place one that is not started
   * @param {number} count
   * @param {number} bytesMax a row ends before it is larger, but has at least one task
   * @returns {{from: number, to: number}}
   */
  start(place, count, bytesMax) {
    const offsets = this.lease.taskOffsets;
    const at = this.#pending.findIndex(({ from, to }) => from <= place && place < to);
    const range = this.#pending[at];
    let to = Math.min(range.to, place + count);
    while (to > place + 1 && offsets[to] - offsets[place] > bytesMax) {
      to = place + Math.ceil((to - place) / 2);
    }
    const rest = [
      { from: range.from, to: place },
      { from: to, to: range.to },
    ].filter((part) => part.from < part.to);
    this.#pending.splice(at, 1, ...rest);
    return { from: place, to };
  }

  /**
   * Tasks that were started go back, to be done before the others.
   * @param {{from: number, to: number}} range
   */
  handBack({ from, to }) {
    if (from < to) this.#pending.unshift({ from, to });
  }

  dropPending() {
    this.#pending = [];
  }

  /**
   * The bytes of tasks in a row; a copy, so it may be transferred.
   * @param {{from: number, to: number}} range
   */
  taskBytes({ from, to }) {
    const { payload, taskOffsets } = this.lease;
    return payload.slice(taskOffsets[from], taskOffsets[to]).buffer;
  }

  sharedBytes() {
    return this.lease.payload.slice(0, this.lease.taskOffsets[0]).buffer;
  }

  /** @param {number} place */
  taskIndex(place) {
    const { payload, taskOffsets } = this.lease;
    return new DataView(payload.buffer, payload.byteOffset).getUint32(taskOffsets[place], true);
  }

  /** The blobs that one task names itself. @param {number} place */
  taskBlobs(place) {
    let blobs = this.#blobs.get(place);
    if (!blobs) {
      const { payload, taskOffsets } = this.lease;
      const bytes = payload.subarray(taskOffsets[place], taskOffsets[place + 1]);
      blobs = blobsOf(new PayloadReader(bytes).task().inputs);
      this.#blobs.set(place, blobs);
    }
    return blobs;
  }

  sharedBlobs() {
    return blobsOf(new PayloadReader(this.lease.payload).inputs(this.lease.sharedCount));
  }
}

/** @param {import('../payload.js').WireInput[]} inputs @returns {BlobName[]} */
function blobsOf(inputs) {
  const blobs = [];
  for (const input of inputs) {
    if (input.kind === 'blob') blobs.push({ sha256: input.sha256, size: input.size });
  }
  return blobs;
}

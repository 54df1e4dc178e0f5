/**
 * Which slot computes which tasks, and what became of them. Pure: it gives messages to post, is
 * told what came back, and takes the time (in milliseconds) as an argument.
 *
 * @typedef {import('../protocol.js').Lease} Lease
 * @typedef {import('./messages.js').RunChunk} RunChunk
 * @typedef {import('./messages.js').ChunkOutcomes} ChunkOutcomes
 * @typedef {import('./messages.js').BlobName} BlobName
 *
 * Tasks `from` .. `to` of a lease at one slot. `stopAt`: when it is stopped by force, because its
 * lease was revoked.
 * @typedef {{id: number, work: LeaseWork, from: number, to: number, stopAt: number}} Chunk
 *
 * `queue[0]` runs, `queue[1]` waits at the slot. `contexts` are the leases whose shared inputs it
 * has, `blobs` those it should still hold: a guess, for choosing tasks, never relied on.
 * @typedef {{queue: Chunk[], contexts: Set<number>, blobs: ByteCache<true>,
 *            retiring: boolean}} Slot
 *
 * @typedef {{slot: number, message: RunChunk | {type: 'forget', lease: number}}} Posting
 * @typedef {{lease: number, job: number, round: number, count: number, busySeconds: number,
 *            bytes: number, outcomes: Uint8Array<ArrayBuffer>[]}} ResultBatch
 */

import { OutcomeWriter } from '../payload.js';
import { ByteCache } from './byte_cache.js';
import { LeaseWork } from './lease_work.js';
import { Pace } from './pace.js';

export const revokeGraceMs = 200;
const chunkBytesMax = 2 * 2 ** 20;
const batchBytesMax = 8 * 2 ** 20;
const crashesMax = 3;
const affinityPlacesMax = 64;

export class Dispatcher {
  /** @type {Map<number, LeaseWork>} in order of arrival, which is the order of work */
  #leases = new Map();
  /** @type {Map<number, Slot>} */
  #slots = new Map();
  /** @type {Map<string, Pace>} */
  #paces = new Map();
  /** @type {ResultBatch[]} */
  #results = [];
  /** @type {Posting[]} */
  #forgets = [];
  #chunkCount = 0;
  #slotCacheBytes;

  /** @param {{slotCacheBytes?: number}} [options] */
  constructor({ slotCacheBytes = 0 } = {}) {
    this.#slotCacheBytes = slotCacheBytes;
  }

  /** A lease that it holds already changes nothing. @param {Lease} lease */
  addLease(lease) {
    if (this.#leases.has(lease.lease) || lease.taskOffsets.length < 2) return;
    this.#leases.set(lease.lease, new LeaseWork(lease));
  }

  /** Its outcomes are not wanted any more. @param {number} leaseId @param {number} now */
  revoke(leaseId, now) {
    // A lease that is complete may still have results to send.
    this.#results = this.#results.filter((batch) => batch.lease !== leaseId);
    const work = this.#leases.get(leaseId);
    if (!work) return;
    work.revoked = true;
    work.dropPending();
    this.#end(work);
    for (const { queue } of this.#slots.values()) {
      if (queue[0]?.work === work) queue[0].stopAt = now + revokeGraceMs;
    }
  }

  /** Forgets everything, results not yet sent included. @param {number} now */
  revokeAll(now) {
    this.#results = [];
    for (const lease of [...this.#leases.keys()]) this.revoke(lease, now);
  }

  /** A slot can compute: a new one, or one again after slotGone(). @param {number} slot */
  slotReady(slot) {
    const blobs = /** @type {ByteCache<true>} */ (new ByteCache(this.#slotCacheBytes));
    this.#slots.set(slot, { queue: [], contexts: new Set(), blobs, retiring: false });
  }

  /** It gets no new chunks. @param {number} slot @param {boolean} retiring */
  retire(slot, retiring) {
    const state = this.#slots.get(slot);
    if (state) state.retiring = retiring;
  }

  /**
   * Its thread is gone, and what it had goes to others. `crashed`: by itself, so the task that
   * ran is suspected: such leases go on task by task, and a task that keeps killing threads is
   * reported as failed.
   * @param {number} slot @param {{crashed: boolean}} how
   */
  slotGone(slot, { crashed }) {
    const state = this.#slots.get(slot);
    if (!state) return;
    this.#slots.delete(slot);
    for (const chunk of [...state.queue].reverse()) {
      if (chunk.work.revoked) continue;
      if (crashed && chunk === state.queue[0]) ++chunk.work.crashes;
      const alone = chunk.to - chunk.from === 1;
      if (crashed && chunk === state.queue[0] && alone && chunk.work.crashes >= crashesMax) {
        this.#reportCrash(chunk);
      } else {
        chunk.work.handBack(chunk);
      }
    }
  }

  /** Messages to post now. @returns {Posting[]} */
  dispatch() {
    const postings = this.#forgets.splice(0);
    for (const depth of [0, 1]) {
      for (const [id, slot] of this.#slots) {
        if (slot.retiring || slot.queue.length !== depth) continue;
        const chunk = this.#nextChunk(slot, depth);
        if (!chunk) continue;
        slot.queue.push(chunk);
        postings.push({ slot: id, message: this.#runMessage(slot, chunk) });
      }
    }
    return postings;
  }

  /** @param {number} slotId @param {ChunkOutcomes} outcomes @param {number} now */
  received(slotId, outcomes, now) {
    const queue = this.#slots.get(slotId)?.queue;
    const chunk = queue?.[0];
    if (!queue || !chunk || chunk.id !== outcomes.chunk) return;
    const { work } = chunk;
    chunk.from += outcomes.count;
    if (!work.revoked) {
      this.#collect(work, outcomes);
      this.#paceOf(work.lease).measured(outcomes.count, outcomes.busySeconds * 1000);
    }
    if (outcomes.more) return;
    queue.shift();
    if (queue[0]?.work.revoked) queue[0].stopAt = now + revokeGraceMs;
    if (!work.revoked) work.handBack(chunk);
  }

  /** What to send; each batch fits into a frame. @returns {ResultBatch[]} */
  takeResults() {
    return this.#results.splice(0);
  }

  /** Slots that still compute what was revoked: to be stopped by force. @param {number} now */
  overdue(now) {
    return [...this.#slots.keys()].filter((id) => this.#stopAt(id) <= now);
  }

  /** When overdue() will have something, as far as is known. @returns {number} */
  deadline() {
    return Math.min(Infinity, ...[...this.#slots.keys()].map((id) => this.#stopAt(id)));
  }

  /** Leases with unfinished tasks: what heartbeats name. */
  heldLeases() {
    return [...this.#leases.keys()];
  }

  isIdle() {
    return this.#leases.size === 0;
  }

  /** @returns {Set<number>} */
  busySlots() {
    const busy = new Set();
    for (const [id, slot] of this.#slots) if (slot.queue.length > 0) busy.add(id);
    return busy;
  }

  /**
   * A task that is being computed, for people.
   * @returns {import('./messages.js').CurrentWork | null}
   */
  current() {
    for (const { queue } of this.#slots.values()) {
      if (queue.length === 0 || queue[0].work.revoked || queue[0].from >= queue[0].to) continue;
      const { lease } = queue[0].work;
      const task = queue[0].work.taskIndex(queue[0].from);
      return { kernel: lease.kernel, job: lease.job, round: lease.round, task };
    }
    return null;
  }

  /**
   * Blobs that the lease's tasks need and no slot holds, in order of need.
   * @param {number} leaseId
   */
  missingBlobs(leaseId) {
    const work = this.#leases.get(leaseId);
    if (!work) return [];
    /** @type {Map<string, BlobName>} */
    const wanted = new Map();
    for (const blob of work.sharedBlobs()) wanted.set(blob.sha256, blob);
    if (work.taskBlobs(0).length > 0) {
      for (const place of work.pendingPlaces(Infinity)) {
        for (const blob of work.taskBlobs(place)) wanted.set(blob.sha256, blob);
      }
    }
    for (const { blobs } of this.#slots.values()) {
      for (const sha256 of wanted.keys()) if (blobs.has(sha256)) wanted.delete(sha256);
    }
    return [...wanted.values()];
  }

  /** @param {number} slotId */
  #stopAt(slotId) {
    return this.#slots.get(slotId)?.queue[0]?.stopAt ?? Infinity;
  }

  /** @param {Lease} lease */
  #paceOf(lease) {
    const name = `${lease.kernel}/${lease.kernelVersion}`;
    let pace = this.#paces.get(name);
    if (!pace) this.#paces.set(name, (pace = new Pace()));
    return pace;
  }

  /** @param {Slot} slot @param {number} depth @returns {Chunk | null} */
  #nextChunk(slot, depth) {
    for (const work of this.#leases.values()) {
      const pending = work.pendingCount;
      if (pending === 0) continue;
      const pace = this.#paceOf(work.lease);
      if (depth > 0 && !pace.isShort()) return null;
      const share = Math.ceil(pending / this.#slots.size);
      const count = work.crashes > 0 ? 1 : Math.min(pace.chunkTasks(), share);
      const range = work.start(this.#placeFor(slot, work), count, chunkBytesMax);
      return { id: ++this.#chunkCount, work, ...range, stopAt: Infinity };
    }
    return null;
  }

  /**
   * The task to start with: one whose blobs the slot holds, else one that no other slot holds.
   * @param {Slot} slot @param {LeaseWork} work
   */
  #placeFor(slot, work) {
    const [first] = work.pendingPlaces(1);
    if (work.taskBlobs(first).length === 0) return first;
    const places = work.pendingPlaces(affinityPlacesMax);
    const held = places.find((place) => holdsAll(slot, work.taskBlobs(place)));
    if (held !== undefined) return held;
    const others = [...this.#slots.values()];
    const unclaimed = places.find(
      (place) => !others.some((other) => holdsAll(other, work.taskBlobs(place))),
    );
    return unclaimed ?? first;
  }

  /** @param {Slot} slot @param {Chunk} chunk @returns {RunChunk} */
  #runMessage(slot, chunk) {
    const { work } = chunk;
    const { lease, kernel, kernelVersion: version, sharedCount } = work.lease;
    if (work.taskBlobs(chunk.from).length > 0) {
      for (let place = chunk.from; place < chunk.to; ++place) {
        for (const { sha256, size } of work.taskBlobs(place)) slot.blobs.put(sha256, true, size);
      }
    }
    /** @type {RunChunk} */
    const message = {
      type: 'run',
      chunk: chunk.id,
      lease,
      count: chunk.to - chunk.from,
      tasks: work.taskBytes(chunk),
    };
    if (!slot.contexts.has(lease)) {
      slot.contexts.add(lease);
      for (const { sha256, size } of work.sharedBlobs()) slot.blobs.put(sha256, true, size);
      message.context = { kernel, version, sharedCount, shared: work.sharedBytes() };
    }
    return message;
  }

  /**
   * @param {LeaseWork} work
   * @param {{count: number, bytes: Uint8Array<ArrayBuffer>, busySeconds: number}} outcomes
   */
  #collect(work, { count, bytes, busySeconds }) {
    if (count === 0) return;
    const { lease, job, round } = work.lease;
    let batch = this.#results.find((open) => open.lease === lease);
    if (!batch || batch.bytes + bytes.length > batchBytesMax) {
      batch = { lease, job, round, count: 0, busySeconds: 0, bytes: 0, outcomes: [] };
      this.#results.unshift(batch);
    }
    batch.count += count;
    batch.busySeconds += busySeconds;
    batch.bytes += bytes.length;
    batch.outcomes.push(bytes);
    work.unfinished -= count;
    if (work.unfinished === 0) this.#end(work);
  }

  /** @param {Chunk} chunk of one task */
  #reportCrash(chunk) {
    const writer = new OutcomeWriter();
    const index = chunk.work.taskIndex(chunk.from);
    const { kernel } = chunk.work.lease;
    writer.failed(
      index,
      'internal',
      `${kernel}: task ${index} stopped its thread ${crashesMax} times`,
    );
    this.#collect(chunk.work, { ...writer.take(), busySeconds: 0 });
  }

  /** @param {LeaseWork} work */
  #end(work) {
    const { lease } = work.lease;
    this.#leases.delete(lease);
    for (const [id, slot] of this.#slots) {
      if (slot.contexts.delete(lease)) {
        this.#forgets.push({ slot: id, message: { type: 'forget', lease } });
      }
    }
  }
}

/** @param {Slot} slot @param {BlobName[]} blobs */
function holdsAll(slot, blobs) {
  return blobs.every(({ sha256 }) => slot.blobs.has(sha256));
}

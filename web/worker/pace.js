/**
 * How many tasks of one kernel make a chunk: about `chunkMsTarget` of work. A chunk costs two
 * messages between threads, so small tasks go in thousands; but what is in a chunk cannot be
 * given to another slot, so large ones go alone. Grows from one, because clocks in a browser may
 * be too coarse to measure one small task.
 */
export const chunkMsTarget = 10;
export const chunkTasksMax = 8192;
const growth = 4;

export class Pace {
  #limit = 1;
  /** Measured; nothing before the first chunk is done. @type {number | undefined} */
  msPerTask = undefined;

  /** @param {number} count @param {number} milliseconds */
  measured(count, milliseconds) {
    if (count === 0) return;
    const fresh = milliseconds / count;
    this.msPerTask =
      this.msPerTask === undefined ? fresh : this.msPerTask + 0.3 * (fresh - this.msPerTask);
    if (count >= this.#limit) this.#limit = Math.min(chunkTasksMax, this.#limit * growth);
  }

  /** Tasks for the next chunk. */
  chunkTasks() {
    if (this.msPerTask === undefined) return 1;
    const wanted = this.msPerTask > 0 ? Math.floor(chunkMsTarget / this.msPerTask) : Infinity;
    return Math.max(1, Math.min(this.#limit, wanted));
  }

  /** Short enough that a second chunk should wait at the slot while the first one runs. */
  isShort() {
    return this.msPerTask !== undefined && this.msPerTask < 2 * chunkMsTarget;
  }
}

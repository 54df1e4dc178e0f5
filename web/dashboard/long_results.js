/** Results that are too long for the feed: each is read once, from `GET /api/v1/jobs/ID`. */

import { siteUrl } from '../site.js';

/** @typedef {import('./state.js').State} State */
/** @typedef {import('./state.js').Job} Job */

/** @param {string} id @returns {Promise<unknown>} */
async function readResult(id) {
  const response = await fetch(siteUrl(`api/v1/jobs/${encodeURIComponent(id)}`));
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return (await response.json()).result;
}

export class LongResults {
  /** By job; undefined while it is being read, or if that failed. @type {Map<string, unknown>} */
  #known = new Map();
  #onRead;
  #read;
  /** One at a time: they may be long. */
  #reading = Promise.resolve();

  /**
   * @param {() => void} onRead called when another result was read, so fill() returns more
   * @param {(id: string) => Promise<unknown>} [read]
   */
  constructor(onRead, read = readResult) {
    this.#onRead = onRead;
    this.#read = read;
  }

  /** The state with every result that is known. @param {State} state @returns {State} */
  fill(state) {
    for (const id of this.#known.keys()) if (!(id in state.jobs)) this.#known.delete(id);
    /** @type {Record<string, Job>} */
    const filled = {};
    for (const [id, job] of Object.entries(state.jobs)) {
      if (job.state !== 'Succeeded' || job.result !== undefined) continue;
      if (!this.#known.has(id)) this.#ask(id);
      const result = this.#known.get(id);
      if (result !== undefined) filled[id] = { ...job, result };
    }
    if (Object.keys(filled).length === 0) return state;
    return { ...state, jobs: { ...state.jobs, ...filled } };
  }

  /** @param {string} id */
  #ask(id) {
    this.#known.set(id, undefined);
    this.#reading = this.#reading.then(async () => {
      try {
        const result = await this.#read(id);
        if (!this.#known.has(id)) return;
        this.#known.set(id, result);
        this.#onRead();
      } catch (error) {
        console.warn(`The result of job ${id} cannot be read:`, error);
      }
    });
  }
}

/** A master that is killed at random moments, and an honest count of what that cost. */

import { setImmediate } from 'node:timers/promises';

/** @typedef {import('./cluster.mjs').Cluster} Cluster */

/** What a master with --verbose says when it gives out tasks. */
const granted = /: (\d+) tasks to (.+) \(lease \d+\)$/;
const ended = /job (\d+) \(.*\): (Succeeded|Failed|Cancelled) after/;
/** The one that a worker works on, and one ahead. */
const leasesPerWorker = 2;
/** Some milliseconds of a quiet event loop. */
const turnsMax = 2000;
const dyingStarts = 0.2;

export const verboseMaster = ['--mode', 'serve', '--verbose'];

export class Ordeal {
  kills = 0;
  /** Tasks that workers held when the master was killed, added up over all kills. */
  inFlight = 0;
  #cluster;
  #random;
  /** The sizes of each worker's leases, oldest first. @type {Map<string, number[]>} */
  #leases = new Map();

  /** @param {Cluster} cluster of a verbose master @param {() => number} random */
  constructor(cluster, random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** A whole number below `count`. @param {number} count */
  below(count) {
    return Math.floor(this.#random() * count);
  }

  /** Kills the master some moments from now and starts the next one, which may be killed while it
   * starts. */
  async kill() {
    await this.#killNow();
    while (this.#random() < dyingStarts) {
      this.#cluster.beginMaster();
      await this.#killNow();
    }
    await this.#cluster.restartMaster();
  }

  async #killNow() {
    for (let turns = this.below(turnsMax); turns > 0; --turns) await setImmediate();
    const { master } = this.#cluster;
    await this.#cluster.killMaster();
    ++this.kills;
    for (const line of master.lines) {
      const [, count, worker] = line.match(granted) ?? [];
      if (worker) this.#leases.set(worker, [...(this.#leases.get(worker) ?? []), Number(count)]);
    }
    for (const sizes of this.#leases.values()) {
      for (const size of sizes.slice(-leasesPerWorker)) this.inFlight += size;
    }
  }

  /**
   * Waits until the master has granted so many leases more, or a job is over.
   * @param {number} id of the job @param {number} count
   */
  async untilLeases(id, count) {
    const { master } = this.#cluster;
    let left = count;
    if (left === 0) return;
    const from = master.lines.length;
    // It may have ended while the former master was about to be killed, or since this one started.
    if (await this.isOver(id)) return;
    await master.untilLine(
      `${count} leases, or the end of job ${id}`,
      (line) => Number(line.match(ended)?.[1]) === id || (granted.test(line) && --left === 0),
      from,
    );
  }

  /** @param {number} id of a job */
  async isOver(id) {
    const { json } = await this.#cluster.ask(`/api/v1/jobs/${id}`);
    return !['Queued', 'Running'].includes(json.state);
  }

  /** Ends the native workers; answers how many tasks they have computed in all. */
  async computedTasks() {
    let tasks = 0;
    for (const worker of this.#cluster.workers) {
      worker.kill('SIGTERM');
      const [, count] = await worker.until(/computed (\d+) tasks/);
      tasks += Number(count);
    }
    return tasks;
  }
}

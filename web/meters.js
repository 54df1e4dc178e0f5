/** Figures over time for people; times in milliseconds. */

const rateWindowMs = 5000;

/** Events per second over the last five seconds, or since the first event if that is less. */
export class RateMeter {
  /** @type {{at: number, count: number}[]} one a tenth of a second */
  #counts = [];

  /** @param {number} now @param {number} count */
  add(now, count) {
    const last = this.#counts.at(-1);
    if (last && now - last.at < 100) last.count += count;
    else this.#counts.push({ at: now, count });
    this.#forget(now);
  }

  /** @param {number} now */
  perSecond(now) {
    this.#forget(now);
    if (this.#counts.length === 0) return 0;
    const total = this.#counts.reduce((sum, { count }) => sum + count, 0);
    const spanMs = Math.min(rateWindowMs, Math.max(1000, now - this.#counts[0].at));
    return (total * 1000) / spanMs;
  }

  /** @param {number} now */
  #forget(now) {
    while (this.#counts.length > 0 && now - this.#counts[0].at > rateWindowMs) this.#counts.shift();
  }
}

/** The mean number of busy slots since it was last taken. */
export class LoadMeter {
  #busy = 0;
  #busyMs = 0;
  #since = 0;
  #last = 0;

  /** @param {number} now */
  constructor(now) {
    this.#since = now;
    this.#last = now;
  }

  /** @param {number} now @param {number} busySlots from now on */
  observe(now, busySlots) {
    this.#busyMs += this.#busy * (now - this.#last);
    this.#last = now;
    this.#busy = busySlots;
  }

  /** @param {number} now */
  take(now) {
    this.observe(now, this.#busy);
    const mean = now > this.#since ? this.#busyMs / (now - this.#since) : this.#busy;
    this.#busyMs = 0;
    this.#since = now;
    return mean;
  }
}

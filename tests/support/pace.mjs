/**
 * How slow the machine is while a test counts seconds. A promise about time is made for a machine
 * that is not busy with other things; where it is, the test allows for what this one took for next
 * to nothing in the same seconds.
 */

import assert from 'node:assert/strict';

/** As many steps as a promise is made of, each of which the machine may be slow with. */
const steps = 10;
const pauseMs = 50;

export class Pace {
  #probe;
  #going = true;
  #worstMs = 0;
  #done;

  /** @param {() => Promise<unknown>} probe asks what is promised to be quick for next to nothing */
  constructor(probe) {
    this.#probe = probe;
    this.#done = this.#measure();
  }

  async #measure() {
    while (this.#going) {
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      try {
        await this.#probe();
      } catch {
        return; // Whoever was asked is gone: the test has failed already.
      }
      this.#worstMs = Math.max(this.#worstMs, performance.now() - begun - pauseMs);
    }
  }

  /**
   * Ends the measuring; fails unless it took at most so long, on this machine.
   * @param {import('node:test').TestContext} t @param {string} what
   * @param {number} from by performance.now() @param {number} secondsMax
   */
  async checkSince(t, what, from, secondsMax) {
    const seconds = (performance.now() - from) / 1000;
    await this.stop();
    const slack = (steps * this.#worstMs) / 1000;
    t.diagnostic(
      `${what}: ${seconds.toFixed(2)} s of ${secondsMax} s, and ${slack.toFixed(2)} s for how ` +
        'slow the machine is',
    );
    assert.ok(seconds <= secondsMax + slack, `${what}: ${seconds.toFixed(2)} s`);
  }

  async stop() {
    this.#going = false;
    await this.#done;
  }
}

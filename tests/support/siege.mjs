/** A master that may have 2 GiB of address space, with a token, an honest worker and somebody who
 * asks how it is, while a test lets strangers loose on it. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { Cluster } from './cluster.mjs';
import { patience } from './patience.mjs';
import { Program, runProgram } from './program.mjs';

export const token = 'correct-horse-battery';
/** Builds that are slow try fewer: these are the same ways through the code. */
export const strangersAtATime = Number(process.env.NETCOMPUTE_STRANGERS ?? 1000);
const addressSpaceBytes = 2 * 2 ** 30;
/** Sanitizers take terabytes of address space, and keep what is freed. */
export const isOrdinaryBuild = patience === 1;

export class Siege {
  /** @param {Cluster} cluster @param {Program} honest @param {number} usualMiB */
  constructor(cluster, honest, usualMiB) {
    this.cluster = cluster;
    this.honest = honest;
    this.usualMiB = usualMiB;
    /** What the master keeps of those that were let loose, for a reason that the test gives. */
    this.keptMiB = 0;
  }

  /** @param {import('./cluster.mjs').ClusterOptions} [options] */
  static async begin(options = {}) {
    const cluster = await Cluster.start({
      ...options,
      config: { security: { join_token: token } },
    });
    if (isOrdinaryBuild) {
      const limit = ['--pid', String(cluster.master.pid), `--as=${addressSpaceBytes}`];
      assert.equal((await runProgram('prlimit', limit)).code, 0);
    }
    const honest = await cluster.startWorker({ name: 'honest' });
    await cluster.run('noop', { task_count: 1000, payload_bytes: 8 });
    return new Siege(cluster, honest, masterMiB(cluster));
  }

  /** Runs `attack` while another process asks how the master is; tells how long it had to wait.
   * @param {import('node:test').TestContext} t @param {() => Promise<unknown>} attack */
  async withProbe(t, attack) {
    const script = new URL('health_probe.mjs', import.meta.url).pathname;
    const probe = new Program(process.execPath, [script, this.cluster.origin]);
    await attack();
    probe.endInput();
    const { code } = await probe.ended;
    assert.equal(code, 0, probe.tail());
    const { count, longestMs } = JSON.parse(probe.stdout);
    assert.ok(count > 0);
    t.diagnostic(`/healthz: ${count} answers, the longest after ${longestMs.toFixed(0)} ms`);
  }

  /** The master is as before: its memory, and the honest worker's session.
   * @param {import('node:test').TestContext} t */
  async checkAftermath(t) {
    const allowedMiB = 1.2 * this.usualMiB + this.keptMiB;
    const isAsBefore = () => masterMiB(this.cluster) <= allowedMiB;
    // Memory is given back once a second, where there is much of it.
    for (const until = Date.now() + 20_000; !isAsBefore() && Date.now() < until;) {
      await this.cluster.ask('/healthz');
    }
    const now = masterMiB(this.cluster).toFixed(1);
    t.diagnostic(`memory ${now} MiB, before ${this.usualMiB.toFixed(1)} MiB`);
    if (isOrdinaryBuild) assert.ok(isAsBefore(), 'it keeps memory of those that are gone');
    const joined = this.honest.lines.filter((line) => /(joined|back with) the master/.test(line));
    assert.equal(joined.length, 1, 'the honest session lasts');
  }
}

/** @param {Cluster} cluster */
function masterMiB(cluster) {
  const status = readFileSync(`/proc/${cluster.master.pid}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) / 1024;
}

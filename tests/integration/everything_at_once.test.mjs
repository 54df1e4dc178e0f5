// Whatever can happen to masters and workers, in any order, while several jobs run: every job ends,
// once, with the right bytes.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { LyingWorker } from '../support/lying_worker.mjs';
import { Workload, disturb, seededRandom } from './workload.mjs';

/** To repeat a run that failed: NETCOMPUTE_SEED. For a soak: NETCOMPUTE_TROUBLES. */
const seed = Number(process.env.NETCOMPUTE_SEED ?? randomInt(2 ** 31));
const times = Number(process.env.NETCOMPUTE_TROUBLES ?? 24);
const workersMax = 4;

const workload = new Workload({ piTasks: 150 });
/** @type {Cluster} */
let cluster;
before(() => workload.prepare());
after(() => workload.remove());
afterEach(() => cluster?.close());

class Trouble {
  /** What was done, for the message of a run that failed. @type {string[]} */
  done = [];
  liars = 0;
  #random;
  /** @type {import('../support/program.mjs').Program[]} */
  #workers = [];
  /** @type {import('../support/program.mjs').Program[]} */
  #frozen = [];
  /** @type {LyingWorker[]} */
  #strangers = [];

  /** @param {() => number} random */
  constructor(random) {
    this.#random = random;
  }

  /** @param {number} count */
  #below(count) {
    return Math.floor(this.#random() * count);
  }

  /** @template T @param {T[]} list */
  #takeOne(list) {
    return list.splice(this.#below(list.length), 1)[0];
  }

  async addWorker() {
    this.#workers.push(await cluster.startWorker({ slots: 1 + this.#below(2) }));
  }

  async make() {
    const kinds = [
      this.#killMaster,
      this.#killMasterTwice,
      this.#freezeMaster,
      this.#killWorker,
      this.#sendWorkerAway,
      this.#freezeWorker,
      this.#thawWorkers,
      this.#inviteLiar,
      this.#inviteLiar,
      this.#inviteStranger,
      this.#loseStranger,
    ];
    const kind = kinds[this.#below(kinds.length)];
    this.done.push(kind.name.slice(1));
    await kind.call(this);
    while (this.#workers.length < 2) await this.addWorker();
    if (this.#workers.length < workersMax && this.#random() < 0.3) await this.addWorker();
  }

  async #killMaster() {
    await cluster.killMaster();
    await cluster.restartMaster();
  }

  async #killMasterTwice() {
    await cluster.killMaster();
    cluster.beginMaster();
    await this.#killMaster();
  }

  /** For less than its workers wait for it; what happens meanwhile it hears all at once. */
  async #freezeMaster() {
    cluster.master.kill('SIGSTOP');
    await this.#killWorker();
    this.#workers.push(await cluster.startWorker({ joins: false }));
    this.#loseStranger();
    cluster.master.kill('SIGCONT');
  }

  async #killWorker() {
    const worker = this.#takeOne(this.#workers);
    worker.kill('SIGKILL');
    await worker.ended;
  }

  async #sendWorkerAway() {
    const worker = this.#takeOne(this.#workers);
    worker.kill('SIGTERM');
    await worker.ended;
  }

  async #freezeWorker() {
    const worker = this.#takeOne(this.#workers);
    worker.kill('SIGSTOP');
    this.#frozen.push(worker);
  }

  async #thawWorkers() {
    for (const worker of this.#frozen) worker.kill('SIGCONT');
    this.#workers.push(...this.#frozen.splice(0));
  }

  async #inviteLiar() {
    const period = 1 + this.#below(8);
    const from = this.#below(20);
    ++this.liars;
    const isLie = (/** @type {number} */ task) => task >= from && task % period === 0;
    await this.#invite(`liar-${this.liars}`, isLie);
  }

  async #inviteStranger() {
    await this.#invite(`stranger-${this.done.length}`, () => false);
  }

  /** @param {string} name @param {(task: number) => boolean} isLie */
  async #invite(name, isLie) {
    if (this.#strangers.length >= workersMax) this.#loseStranger();
    this.#strangers.push(await LyingWorker.join(cluster.origin, name, isLie));
  }

  #loseStranger() {
    if (this.#strangers.length > 0) this.#takeOne(this.#strangers).close();
  }

  end() {
    for (const stranger of this.#strangers) stranger.close();
  }
}

test(`jobs end right through ${times} troubles of every kind`, async (t) => {
  t.diagnostic(`NETCOMPUTE_SEED=${seed}`);
  const random = seededRandom(seed);
  cluster = await Cluster.start({ prepare: workload.install });
  const trouble = new Trouble(random);
  try {
    await trouble.addWorker();
    await trouble.addWorker();
    const jobs = await disturb(cluster, {
      times,
      random,
      submit: () => workload.submitMany(cluster),
      makeTrouble: () => trouble.make(),
    });
    await workload.checkMany(cluster, jobs);
    const { json: all } = await cluster.ask('/api/v1/jobs');
    assert.equal(all.length, jobs.length, 'no job was lost, or came twice');
    t.diagnostic(`${jobs.length} jobs, ${trouble.liars} liars: ${trouble.done.join(' ')}`);
  } catch (error) {
    throw new Error(`after ${trouble.done.join(', ')}: ${error}`, { cause: error });
  } finally {
    trouble.end();
  }
});

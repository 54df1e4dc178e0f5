// Jobs of one priority share the workers: a small one does not wait for big ones, and of equal ones
// none gets much more than another. What they have had is counted in slot-seconds, not in time that
// went by, so it is the same on a PC that is busy with other things.
//
// NETCOMPUTE_FAIRNESS_SECONDS=60 has twenty equal jobs run for so long beside workers of 1 slot, of
// 16 slots, and of both; by itself that is left out, because it takes minutes.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';

const batchSeconds = 1;
/** Of each big job: more than a test waits for. */
const endless = { samples: 100_000 * 2 ** 22, seed: 3 };
const fairnessSeconds = Number(process.env.NETCOMPUTE_FAIRNESS_SECONDS ?? 0);

/** @type {Cluster} */
let cluster;
let isOpen = false;

async function end() {
  if (isOpen) await cluster.close();
  isOpen = false;
}
afterEach(end);

/** So many big jobs, and then workers of so many slots each: none of the jobs has a start.
 * @param {number[]} slots @param {number} jobCount */
async function begin(slots, jobCount) {
  cluster = await Cluster.start();
  isOpen = true;
  const jobs = [];
  for (let i = 0; i < jobCount; ++i) jobs.push(await cluster.submit('monte_carlo_pi', endless));
  for (const count of slots) await cluster.startWorker({ slots: count });
  return jobs;
}

/** @param {number[]} ids @returns {Promise<any[]>} */
async function documents(ids) {
  const answers = await Promise.all(ids.map((id) => cluster.ask(`/api/v1/jobs/${id}`)));
  return answers.map(({ json }) => json);
}

/** Of one task, by one slot. @param {any} job */
function taskSeconds(job) {
  return job.tasks.done > 0 ? job.slot_seconds / job.tasks.done : 0;
}

/** What a lease may cost at most, where so many jobs share: a slot does one task at least.
 * @param {any[]} jobs @param {number} slots */
function leaseCost(jobs, slots) {
  return slots * Math.max(batchSeconds / jobs.length, ...jobs.map(taskSeconds));
}

/** Whether no two of the jobs differ by more than a fifth in slot-seconds. @param {any[]} jobs */
function areEqual(jobs) {
  const used = jobs.map((job) => job.slot_seconds);
  const most = Math.max(...used);
  return most - Math.min(...used) <= 0.2 * most;
}

/** @param {import('node:test').TestContext} t @param {any[]} jobs */
function tellShares(t, jobs) {
  t.diagnostic(`slot-seconds: ${jobs.map((job) => job.slot_seconds.toFixed(1)).join(' ')}`);
}

test('equal jobs get equal shares of workers of 1 and of 16 slots', async (t) => {
  const ids = await begin([1, 16], 6);
  /** @type {any[]} */
  let jobs = [];
  // Until each has had so much that a lease more or less does not matter. A lease that was under
  // way while the PC stood still costs much more, and is made up for by the next ones.
  await cluster.until('each job has had its turn many times, and as much as the others', (now) => {
    jobs = ids.map((id) => now.jobs[id]);
    const enough = 12 * leaseCost(jobs, 16);
    return jobs.every((job) => job.slot_seconds > enough) && areEqual(jobs);
  });
  tellShares(t, jobs);
});

test('a small job beside twenty big ones is over within two batches', async (t) => {
  for (const slots of [1, 16]) {
    const ids = await begin([slots], 20);
    await cluster.until(
      'the big ones are under way',
      ({ jobs }) => ids.filter((id) => jobs[id].tasks.done > 0).length > 5,
    );
    const before = await documents(ids);
    const small = await cluster.submit('noop', { task_count: 5 });
    const { state } = await cluster.whenOver(small);
    assert.equal(state, 'Succeeded');
    const after = await documents(ids);
    const meanwhile = after.reduce(
      (sum, job, i) => sum + job.slot_seconds - before[i].slot_seconds,
      0,
    );
    const batch = slots * Math.max(batchSeconds, ...after.map(taskSeconds));
    t.diagnostic(
      `${slots} slots: the big ones had ${meanwhile.toFixed(2)} slot-seconds meanwhile, ` +
        `and a batch has ${batch.toFixed(2)}`,
    );
    assert.ok(meanwhile <= 2 * batch);
    await end();
  }
});

test(
  'after a minute no two equal jobs differ by more than a fifth in slot-seconds',
  { skip: fairnessSeconds === 0 && 'it takes minutes: set NETCOMPUTE_FAIRNESS_SECONDS' },
  async (t) => {
    for (const slots of [[1], [16], [1, 16]]) {
      const ids = await begin(slots, 20);
      while ((await cluster.ask(`/api/v1/jobs/${ids[0]}?wait=5`)).json.elapsed < fairnessSeconds);
      const jobs = await documents(ids);
      tellShares(t, jobs);
      assert.ok(areEqual(jobs));
      await end();
    }
  },
);

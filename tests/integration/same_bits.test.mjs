// Native workers, any number of them, in any order, dying at any time: the same bits.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { assertTookPart, disturb, seededRandom, Workload } from './workload.mjs';

const workload = new Workload({ piTasks: 320 });
/** @type {Cluster} */
let cluster;

before(async () => {
  await workload.prepare();
  cluster = await Cluster.start({ prepare: workload.install });
});
after(async () => {
  await cluster?.close();
  workload.remove();
});
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

for (const count of [1, 2, 3, 7, 16]) {
  test(`the bits of a single process from native workers, ${count} of them`, async () => {
    await cluster.startWorkers(count);
    await workload.check(cluster);
    await assertTookPart(cluster, count);
  });
}

for (const order of [
  [1, 2, 3],
  [3, 1, 2],
]) {
  test(`workers that join a running job, with ${order} slots, change no bit`, async () => {
    const id = await cluster.submit('monte_carlo_pi', workload.piParams);
    for (const slots of order) {
      const { tasks_done: done } = (await cluster.ask('/api/v1/cluster')).json;
      await cluster.startWorker({ slots });
      await cluster.until('more tasks are done', ({ cluster: now }) => now.tasks_done > done);
    }
    assert.equal((await cluster.resultOf(id)).result_sha256, workload.expected.pi);
    await assertTookPart(cluster, order.length);
  });
}

for (const seed of [1, 2]) {
  test(`workers killed with -9 in the middle of jobs change no bit (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    await cluster.startWorkers(3);
    const jobs = await disturb(cluster, {
      times: 8,
      random,
      submit: () => workload.submitMany(cluster),
      makeTrouble: async () => {
        const living = cluster.workers.filter((worker) => !worker.hasEnded);
        const victim = living[Math.floor(random() * living.length)];
        victim.kill('SIGKILL');
        await victim.ended;
        await cluster.startWorker();
      },
    });
    await workload.checkMany(cluster, jobs);
  });
}

test('a master that computes in its own process gives the same bits alone', async () => {
  const alone = await Cluster.start({
    prepare: workload.install,
    args: ['--mode', 'serve', '--local-slots', '2'],
  });
  try {
    await workload.check(alone);
    await assertTookPart(alone, 1);
  } finally {
    await alone.close();
  }
});

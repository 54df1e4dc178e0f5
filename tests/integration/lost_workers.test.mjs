// Masters and workers that are frozen, thawed or killed in the middle of a round: the result is
// right, and nobody waits for them longer than a lease.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';
import { Pace } from '../support/pace.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

const leaseSeconds = 10;
const longParams = { samples: 800 * 2 ** 22 - 1, seed: 5 };
/** One task, so the round lasts as long as whoever has it. */
const loneParams = { samples: 2 ** 22, seed: 6 };
let longSha256 = '';
let loneSha256 = '';
let titanicSha256 = '';
/** @type {Cluster} */
let cluster;

before(async () => {
  longSha256 = await referenceSha256('monte_carlo_pi', longParams);
  loneSha256 = await referenceSha256('monte_carlo_pi', loneParams);
  cluster = await Cluster.start();
  titanicSha256 = await referenceSha256('train', { data: cluster.file('Data/train.csv') });
});
after(() => cluster?.close());
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** @param {string} name @param {(worker: any) => unknown} look */
function untilWorker(name, look) {
  return cluster.until(`${name} is ${look}`, ({ workers }) =>
    Object.values(workers).some((worker) => worker.name === name && look(worker)),
  );
}

/** A worker that takes the next task and does nothing with it. @param {string} name */
async function startFrozen(name) {
  const worker = await cluster.startWorker({ name });
  worker.kill('SIGSTOP');
  return worker;
}

function newPace() {
  return new Pace(() => cluster.ask('/healthz'));
}

test('a frozen master is missed, and once it thaws the job ends as if undisturbed', async () => {
  const workers = await cluster.startWorkers(2);
  const id = await cluster.submit('monte_carlo_pi', longParams);
  await cluster.until('it has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
  cluster.master.kill('SIGSTOP');
  await Promise.all(workers.map((worker) => worker.until(/lost the master .*no message for 10 s/)));
  cluster.master.kill('SIGCONT');
  await Promise.all(workers.map((worker) => worker.until(/back with the master/)));
  assert.equal((await cluster.resultOf(id)).result_sha256, longSha256);
});

test('a round waits for a frozen worker one lease at most, and it does no harm', async (t) => {
  const frozen = await startFrozen('frozen');
  const id = await cluster.submit('monte_carlo_pi', loneParams);
  await untilWorker('frozen', (worker) => worker.state === 'Busy');
  const granted = performance.now();
  const pace = newPace();
  await cluster.startWorker({ name: 'awake' });
  assert.equal((await cluster.resultOf(id)).result_sha256, loneSha256);
  await pace.checkSince(t, 'the round took', granted, leaseSeconds + 1);

  const said = frozen.lines.length;
  frozen.kill('SIGCONT');
  await frozen.until(/lost the master .*(nothing was heard of it|no message) for 10 s/, said);
  await frozen.until(/back with the master/, said);
  assert.equal((await cluster.run('monte_carlo_pi', loneParams)).result_sha256, loneSha256);
});

test('a frozen worker delays a training of many rounds by one lease at most', async (t) => {
  await startFrozen('frozen');
  await cluster.startWorker({ name: 'awake' });
  const pace = newPace();
  const begun = performance.now();
  assert.equal((await cluster.run('train')).model_sha256, titanicSha256);
  const ended = performance.now();
  // Its own work, without anybody to wait for: the frozen one is lost by now.
  assert.equal((await cluster.run('train')).model_sha256, titanicSha256);
  const work = performance.now() - ended;
  await pace.checkSince(t, 'the training took', begun + 2 * work, leaseSeconds + 1);
});

test('what a worker held that is killed with -9 runs elsewhere at once', async (t) => {
  const victim = await startFrozen('victim');
  const id = await cluster.submit('monte_carlo_pi', loneParams);
  await untilWorker('victim', (worker) => worker.state === 'Busy');
  await cluster.startWorker({ name: 'heir' });
  const killed = performance.now();
  const pace = newPace();
  victim.kill('SIGKILL');
  assert.equal((await cluster.resultOf(id)).result_sha256, loneSha256);
  await pace.checkSince(t, 'the round took', killed, 1);
});

test('who wakes after its lease has ended is told so and changes nothing', async () => {
  const sleeper = await RawWorker.join(cluster.origin, { name: 'sleeper', worker: 'sleeper-1' });
  const id = await cluster.submit('monte_carlo_pi', loneParams, { validation: 'none' });
  const { lease } = await sleeper.next('lease');
  await cluster.startWorker({ name: 'awake' });
  assert.equal((await cluster.resultOf(id)).result_sha256, loneSha256);
  const { message } = await sleeper.next('goodbye');
  assert.match(message, /nothing was heard of it for \d+ s/);

  const back = await RawWorker.connect(cluster.origin);
  back.hello({ name: 'sleeper', worker: 'sleeper-1', resume: sleeper.session });
  back.session = (await back.next('welcome')).session;
  assert.equal(back.session, sleeper.session);
  back.result({ lease, job: id }, { bytes: new Uint8Array(8).fill(1) });
  back.heartbeat({ leases: [lease] });
  assert.deepEqual(await back.next('revoke'), { type: 'revoke', lease, reason: 'expired' });
  assert.equal((await cluster.resultOf(id)).result_sha256, loneSha256);
  assert.equal((await cluster.run('monte_carlo_pi', loneParams)).result_sha256, loneSha256);
  back.close();
});

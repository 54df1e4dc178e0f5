// Workers and masters that come, wait, stop, sleep, leave and come back: nothing is lost.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Cluster, masterProgram, referenceSha256, workerProgram } from '../support/cluster.mjs';
import { Pace } from '../support/pace.mjs';
import { runProgram } from '../support/program.mjs';

/** 2000 tasks of some milliseconds: seconds of work for one worker. */
const longParams = { samples: 2000 * 2 ** 22, seed: 5 };
const shortParams = { samples: 8 * 2 ** 22, seed: 6 };

/** @type {Cluster} */
let cluster;
let shortSha256 = '';

before(async () => {
  shortSha256 = await referenceSha256('monte_carlo_pi', shortParams);
  cluster = await Cluster.start();
});
after(() => cluster?.close());
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** @param {number} id @param {(job: any) => unknown} look */
function untilJob(id, look) {
  return cluster.until(`job ${id} is ${look}`, ({ jobs }) => jobs[id] && look(jobs[id]));
}

/** @param {string} name @param {(worker: any) => unknown} look */
function untilWorker(name, look) {
  return cluster.until(`${name} is ${look}`, ({ workers }) =>
    Object.values(workers).some((worker) => worker.name === name && look(worker)),
  );
}

async function checkShortJob() {
  assert.equal((await cluster.run('monte_carlo_pi', shortParams)).result_sha256, shortSha256);
}

test('a job without workers waits, says so, and ends when a worker comes', async () => {
  const id = await cluster.submit('monte_carlo_pi', shortParams);
  await cluster.master.until(new RegExp(`job ${id} waits for workers`));
  const { json: job } = await cluster.ask(`/api/v1/jobs/${id}?wait=0.2`);
  assert.equal(job.state, 'Running');
  assert.equal(job.waiting_for, 'workers');
  assert.equal(job.eta, null);
  await cluster.startWorker();
  assert.equal((await cluster.resultOf(id)).result_sha256, shortSha256);
});

test('a job whose last worker dies waits again, and goes on with the next one', async () => {
  const worker = await cluster.startWorker();
  const id = await cluster.submit('monte_carlo_pi', { ...longParams, samples: 400 * 2 ** 22 });
  await untilJob(id, (job) => job.tasks.done > 0);
  worker.kill('SIGKILL');
  await untilJob(id, (job) => job.waiting_for === 'workers');
  await cluster.startWorker();
  await untilJob(id, (job) => job.waiting_for === '');
  assert.equal((await cluster.whenOver(id)).state, 'Succeeded');
});

test('a cancelled job ends at once, its workers become idle, and later jobs run', async () => {
  await cluster.startWorker({ name: 'free-again' });
  const id = await cluster.submit('monte_carlo_pi', longParams);
  await untilJob(id, (job) => job.tasks.done > 0);
  const cancelled = await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
  assert.equal(cancelled.status, 200);
  assert.equal(cancelled.json.state, 'Cancelled');
  assert.equal((await cluster.whenOver(id)).state, 'Cancelled');
  await untilWorker('free-again', (worker) => worker.state === 'Idle' && !worker.current_task);
  await checkShortJob();

  const again = await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
  assert.equal(again.status, 409);
  assert.match(again.json.error.message, /over already: Cancelled/);
  const result = await cluster.ask(`/api/v1/jobs/${id}/result`);
  assert.equal(result.status, 409);
  assert.match(result.json.error.message, /was cancelled/);
});

test('a worker that is frozen loses its tasks within 11 s; thawed, it harms nothing', async (t) => {
  const frozen = await cluster.startWorker({ name: 'frozen' });
  await cluster.startWorker({ name: 'awake' });
  const id = await cluster.submit('monte_carlo_pi', { ...longParams, samples: 320 * 2 ** 22 });
  await untilWorker('frozen', (worker) => worker.tasks_processed > 0 && worker.state === 'Busy');
  frozen.kill('SIGSTOP');
  const stopped = performance.now();
  const pace = new Pace(() => cluster.ask('/healthz'));
  // Watched from the moment it freezes: on a busy PC the job may well end after it is lost.
  const isLost = (async () => {
    await untilWorker('frozen', (worker) => worker.state === 'Suspect');
    await untilWorker('frozen', (worker) => worker.state === 'Lost');
    await pace.checkSince(t, 'it counted as there', stopped, 11);
  })();
  const [job] = await Promise.all([cluster.whenOver(id), isLost]);
  assert.equal(job.state, 'Succeeded');

  const said = frozen.lines.length;
  frozen.kill('SIGCONT');
  await frozen.until(/(back with|joined) the master/, said);
  await checkShortJob();
  for (const worker of cluster.workers) if (worker !== frozen) worker.kill('SIGKILL');
  await cluster.until('it is alone', ({ cluster: now }) => now.workers.connected === 1);
  await checkShortJob();
});

for (const [how, leave] of /** @type {[string, (worker: any) => void][]} */ ([
  ['q and Enter', (worker) => worker.say('q\n')],
  ['SIGINT', (worker) => worker.kill('SIGINT')],
  ['SIGTERM', (worker) => worker.kill('SIGTERM')],
  ['SIGHUP', (worker) => worker.kill('SIGHUP')],
])) {
  test(`${how} lets a worker leave with exit status 0; another one does its tasks`, async () => {
    const name = `leaves-by-${how.split(' ')[0]}`;
    const worker = await cluster.startWorker({ name });
    const id = await cluster.submit('monte_carlo_pi', { ...longParams, samples: 400 * 2 ** 22 });
    await untilWorker(
      name,
      ({ state, tasks_processed }) => state === 'Busy' && tasks_processed > 0,
    );
    leave(worker);
    assert.deepEqual(await worker.ended, { code: 0, signal: null });
    await cluster.master.until(new RegExp(`native worker ${name} .* left$`));
    await untilJob(id, (job) => job.waiting_for === 'workers' && job.tasks.done < job.tasks.total);
    await cluster.startWorker();
    const job = await cluster.whenOver(id);
    assert.equal(job.state, 'Succeeded');
    assert.equal(job.tasks.failed, 0);
  });
}

test('a worker that leaves while no master is there ends at once, with exit status 0', async () => {
  const worker = await cluster.startWorker();
  await cluster.killMaster();
  await worker.until(/lost the master/);
  worker.say('q\n');
  assert.deepEqual(await worker.ended, { code: 0, signal: null });
  await cluster.restartMaster();
});

test('workers wait for a master that was killed, and work for the one that follows', async () => {
  const workers = await cluster.startWorkers(2);
  await cluster.submit('monte_carlo_pi', longParams);
  await cluster.until('both work', ({ cluster: now }) => now.workers.by_state.Busy === 2);
  const said = workers.map((worker) => worker.lines.length);
  await cluster.killMaster();
  await cluster.restartMaster();
  await Promise.all(workers.map((worker, i) => worker.until(/back with the master/, said[i])));
  await checkShortJob();
});

test('a master that is asked to stop ends with exit status 0 and tells its workers', async () => {
  const worker = await cluster.startWorker();
  const said = worker.lines.length;
  const { master } = cluster;
  master.kill('SIGTERM');
  assert.deepEqual(await master.ended, { code: 0, signal: null });
  await worker.until(/lost the master .*master_stopping/, said);
  await cluster.restartMaster();
  await worker.until(/back with the master/, said);
});

test('a worker that finds no master says so once, and goes on trying', async () => {
  const worker = await cluster.startWorker({ args: ['--master', '127.0.0.2'], joins: false });
  await worker.until(/cannot reach the master at 127\.0\.0\.2.*; trying again until it answers/);
  assert.equal(worker.hasEnded, false);
});

test('--help and --version of both programs say what they should', async () => {
  for (const program of [masterProgram, workerProgram]) {
    const help = await runProgram(program, ['--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--config/);
    const version = await runProgram(program, ['--version']);
    assert.equal(version.code, 0);
    assert.match(version.stdout, /^netcompute-(master|worker) \d+\.\d+\.\d+$/m);
  }
});

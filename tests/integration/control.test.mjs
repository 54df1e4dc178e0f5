// What users may do with jobs and workers while they run: hold back, put first, end, drain.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { Cluster } from '../support/cluster.mjs';
import { Pace } from '../support/pace.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

const samplesPerTask = 2 ** 22;
const manyTasks = { samples: 20_000 * samplesPerTask }; // Minutes of work.
/** @type {Cluster} */
let cluster;
/** Jobs that a test leaves behind. @type {number[]} */
let open = [];

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker({ name: 'lab-1' });
  await cluster.startWorker({ name: 'lab-2' });
});
after(() => cluster?.close());
afterEach(async () => {
  for (const id of open) await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
  open = [];
});

test('a submission that is repeated with its key is taken once', async () => {
  const headers = { 'Idempotency-Key': 'run-17' };
  const body = { type: 'noop', params: { task_count: 3 } };
  const call = (/** @type {object} */ asking) =>
    cluster.ask('/api/v1/jobs', { method: 'POST', headers, body, ...asking });
  const first = await call({});
  assert.equal(first.status, 201, first.text);
  await cluster.whenOver(first.json.id);
  assert.deepEqual((await call({})).json, first.json);
  const other = await call({ body: { type: 'noop', params: { task_count: 4 } } });
  assert.equal(other.status, 409);
  assert.match(other.json.error.message, /Idempotency-Key: job \d+ was submitted with this key/);
  const long = await call({ headers: { 'Idempotency-Key': 'k'.repeat(201) } });
  assert.equal(long.status, 400);
});

/** @param {object} [more] of the request */
async function submitLong(more) {
  const id = await cluster.submit('monte_carlo_pi', manyTasks, more);
  open.push(id);
  return id;
}

/** @param {string} target @param {object | string} [body] */
function post(target, body) {
  return cluster.ask(`/api/v1/${target}`, { method: 'POST', body });
}

/** @param {number} id */
function untilBegun(id) {
  return cluster.until(`job ${id} has begun`, ({ jobs }) => jobs[id]?.tasks.done > 0);
}

function untilIdle() {
  return cluster.until(
    'nobody works',
    ({ cluster: now }) => now.workers.by_state.Idle === now.workers.connected,
  );
}

/** @param {string} name @returns {Promise<any>} */
async function workerNamed(name) {
  const found = (await cluster.workerDocuments()).find((worker) => worker.name === name);
  assert.ok(found, `${name} is connected`);
  return found;
}

test('a paused job gets no tasks while others do, and goes on when it is resumed', async () => {
  const id = await submitLong();
  await untilBegun(id);
  const paused = await post(`jobs/${id}/pause`);
  assert.deepEqual([paused.status, paused.json.state], [200, 'Paused']);
  await untilIdle();
  const { tasks } = (await cluster.ask(`/api/v1/jobs/${id}`)).json;
  await cluster.run('noop', { task_count: 1000 });
  const later = (await cluster.ask(`/api/v1/jobs/${id}`)).json;
  assert.deepEqual([later.state, later.tasks.done], ['Paused', tasks.done]);

  assert.equal((await post(`jobs/${id}/pause`)).status, 200, 'again changes nothing');
  assert.equal((await post(`jobs/${id}/resume`)).json.state, 'Running');
  await cluster.until('it goes on', ({ jobs }) => jobs[id].tasks.done > tasks.done);
});

test('a job that was submitted first waits for one of a higher priority', async () => {
  const first = await submitLong();
  await untilBegun(first);
  const second = await submitLong();
  assert.equal((await post(`jobs/${second}/priority`, { priority: 5 })).json.priority, 5);
  await untilBegun(second);
  const before = (await cluster.ask(`/api/v1/jobs/${first}`)).json.tasks.done;
  const third = await cluster.submit('noop', { task_count: 20 }, { priority: 9 });
  assert.equal((await cluster.whenOver(third)).state, 'Succeeded');
  await post(`jobs/${first}/priority`, { priority: 7 });
  await cluster.until('the first goes on', ({ jobs }) => jobs[first].tasks.done > before);
});

test('cancelling stops the workers within a second', async (t) => {
  const id = await submitLong();
  await untilBegun(id);
  const pace = new Pace(() => cluster.ask('/healthz'));
  const started = performance.now();
  assert.equal((await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' })).status, 200);
  await untilIdle();
  await pace.checkSince(t, 'the workers stopped', started, 1);
});

test('a job that is over, unknown or misunderstood says so with the right status', async () => {
  const id = await cluster.submit('noop', { task_count: 1 });
  await cluster.resultOf(id);
  for (const [order, body] of /** @type {[string, object?][]} */ ([
    ['pause'],
    ['resume'],
    ['priority', { priority: 1 }],
  ])) {
    const over = await post(`jobs/${id}/${order}`, body);
    assert.deepEqual([over.status, over.json.error.code], [409, 'already_over'], order);
    assert.match(over.json.error.message, /over already: Succeeded/);
    const unknown = await post(`jobs/999999/${order}`, body);
    assert.deepEqual([unknown.status, unknown.json.error.code], [404, 'not_found'], order);
    assert.equal((await post(`jobs/x/${order}`, body)).status, 404, order);
    assert.equal((await cluster.ask(`/api/v1/jobs/${id}/${order}`)).status, 405, order);
  }
  const live = await submitLong();
  for (const body of ['', '{}', '{"priority":"high"}', '{"priority":1001}', '[1]']) {
    const refused = await post(`jobs/${live}/priority`, body);
    assert.deepEqual([refused.status, refused.json.error.code], [400, 'invalid_argument'], body);
  }
});

test('a drained worker finishes what it has and gets nothing more', async () => {
  const id = await submitLong();
  await untilBegun(id);
  const drained = await workerNamed('lab-1');
  assert.equal((await post(`workers/${drained.id}/drain`)).status, 200);
  await cluster.until('it has no task', ({ workers }) => workers[drained.id].state === 'Draining');
  await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
  await cluster.until('the other is idle', ({ cluster: now }) => now.workers.by_state.Idle === 1);
  const before = (await workerNamed('lab-1')).tasks_processed;
  const other = (await workerNamed('lab-2')).tasks_processed;
  await cluster.run('noop', { task_count: 500 });
  const now = await workerNamed('lab-1');
  assert.deepEqual([now.tasks_processed, now.drained], [before, true]);
  assert.equal((await workerNamed('lab-2')).tasks_processed, other + 500);

  assert.equal((await post(`workers/${drained.id}/undrain`)).status, 200);
  await submitLong();
  await cluster.until(
    'it works again',
    ({ workers }) => workers[drained.id].tasks_processed > before,
  );
});

test('orders to workers that are unknown or well are refused', async () => {
  for (const order of ['drain', 'undrain', 'readmit']) {
    assert.equal((await post(`workers/nobody/${order}`)).status, 404, order);
  }
  const { id } = await workerNamed('lab-2');
  const refused = await post(`workers/${id}/readmit`);
  assert.deepEqual([refused.status, refused.json.error.code], [409, 'conflict']);
});

test('a job that is older than its deadline fails, and says so', async (t) => {
  const pace = new Pace(() => cluster.ask('/healthz'));
  const submitted = performance.now();
  const id = await submitLong({ deadline_seconds: 1 });
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Failed');
  assert.match(job.error.message, /deadline/);
  assert.ok(job.elapsed >= 1, `after ${job.elapsed} s`);
  await pace.checkSince(t, 'the job failed', submitted, 1 + 2);
});

test('a quorum that the PCs cannot fill waits for another one, and goes on with it', async () => {
  const id = await cluster.submit('noop', { task_count: 40 }, { validation: { quorum: 3 } });
  open.push(id);
  const waiting = await cluster.until('it waits', ({ jobs }) =>
    jobs[id]?.waiting_for === 'another PC to check' ? jobs[id] : null,
  );
  assert.deepEqual([waiting.validation.policy, waiting.state], ['quorum:3', 'Running']);
  await cluster.startWorker({ name: 'lab-3' });
  const { state, validation } = await cluster.whenOver(id);
  assert.equal(state, 'Succeeded');
  assert.deepEqual([validation.checks > 0, validation.liars], [true, []]);
});

test('what a job may ask for is read, and what it may not is refused', async () => {
  const id = await cluster.submit('noop', { task_count: 1 }, { validation: 'adaptive' });
  assert.equal((await cluster.whenOver(id)).validation.policy, 'adaptive');
  for (const more of [
    { validation: 'quorum:1' },
    { validation: 'sometimes' },
    { deadline_seconds: 0 },
  ]) {
    const refused = await post('jobs', { type: 'noop', ...more });
    assert.deepEqual([refused.status, refused.json.error.code], [400, 'invalid_argument']);
  }
});

test('a worker that lies is named, set aside, and let in again when it is readmitted', async () => {
  const world = await Cluster.start();
  try {
    const liar = await RawWorker.join(world.origin, { worker: 'raw-liar', name: 'Liar' });
    const id = await world.submit('noop', { task_count: 1, payload_bytes: 8 });
    const { lease, job, round } = await liar.next('lease');
    liar.result({ lease, job, round }, { bytes: Buffer.from('nonsense') });
    await world.startWorker({ name: 'lab-1' });
    const goodbye = await liar.next('goodbye');
    assert.deepEqual([goodbye.code, goodbye.retry], ['quarantined', false]);
    await liar.closed;

    const over = await world.whenOver(id);
    assert.deepEqual([over.state, over.validation.liars], ['Succeeded', ['Liar']]);
    const { json: found } = await world.ask('/api/v1/workers/raw-liar');
    assert.match(found.quarantined, /result for task 0 of round 0/);
    const { json: receipt } = await world.ask(`/api/v1/jobs/${id}/receipt`);
    assert.equal(
      receipt.workers.some((/** @type {any} */ { name }) => name === 'Liar'),
      false,
    );

    const again = await RawWorker.connect(world.origin);
    again.hello({ worker: 'raw-liar', name: 'Liar' });
    assert.equal((await again.next('goodbye')).code, 'quarantined');
    const readmitted = await world.ask('/api/v1/workers/raw-liar/readmit', { method: 'POST' });
    assert.deepEqual([readmitted.status, readmitted.json.quarantined], [200, '']);
    const well = await RawWorker.join(world.origin, { worker: 'raw-liar', name: 'Liar' });
    well.close();
  } finally {
    await world.close();
  }
});

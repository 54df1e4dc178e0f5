// The documented API: every route, its fields and its headers, before, during and after a job.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { ask, Cluster } from '../support/cluster.mjs';

const routes = {
  '/healthz': ['get'],
  '/metrics': ['get'],
  '/api/v1/openapi.json': ['get'],
  '/api/v1/cluster': ['get'],
  '/api/v1/workers': ['get'],
  '/api/v1/workers/{id}': ['get'],
  '/api/v1/workers/{id}/drain': ['post'],
  '/api/v1/workers/{id}/undrain': ['post'],
  '/api/v1/workers/{id}/readmit': ['post'],
  '/api/v1/job_types': ['get'],
  '/api/v1/jobs': ['get', 'post'],
  '/api/v1/jobs/{id}': ['delete', 'get'],
  '/api/v1/jobs/{id}/pause': ['post'],
  '/api/v1/jobs/{id}/resume': ['post'],
  '/api/v1/jobs/{id}/priority': ['post'],
  '/api/v1/jobs/{id}/result': ['get'],
  '/api/v1/jobs/{id}/receipt': ['get'],
  '/api/v1/jobs/{id}/files': ['get'],
  '/api/v1/jobs/{id}/files/{name}': ['get'],
  '/api/v1/files': ['get', 'post'],
  '/api/v1/files/{name}': ['delete', 'get', 'put'],
  '/blobs/{sha256}': ['get'],
};
/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker({ name: 'Büro 7 <b>"east"</b>', slots: 2 });
});
after(() => cluster?.close());

/** @param {any} document @param {Record<string, string>} types */
function assertFields(document, types) {
  for (const [field, type] of Object.entries(types)) {
    assert.ok(field in document, `${field} is not in ${JSON.stringify(document)}`);
    const found = document[field] === null ? 'null' : typeof document[field];
    assert.ok(type.split('|').includes(found), `${field} is ${found}, not ${type}`);
  }
}

test('/healthz says ok', async () => {
  const answer = await cluster.ask('/healthz');
  assert.deepEqual([answer.status, answer.text], [200, 'ok']);
});

test('the description lists every route, and every route that it lists answers', async () => {
  const { json: document } = await cluster.ask('/api/v1/openapi.json');
  assert.match(document.openapi, /^3\./);
  const listed = Object.fromEntries(
    Object.entries(document.paths).map(([target, methods]) => [
      target,
      Object.keys(methods).sort(),
    ]),
  );
  assert.deepEqual(listed, routes);
  for (const target of Object.keys(routes).filter((one) => !one.includes('{'))) {
    assert.equal((await cluster.ask(target)).status, 200, target);
    const head = await cluster.ask(target, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, ''], `HEAD ${target}`);
  }
});

test('the cluster adds its workers up', async () => {
  const { json: totals } = await cluster.ask('/api/v1/cluster');
  assertFields(totals, { version: 'string', uptime: 'number', tasks_per_second: 'number' });
  assert.equal(totals.workers.native, 1);
  assert.equal(totals.workers.browser, 0);
  assert.deepEqual(Object.keys(totals.workers.by_state).sort(), [
    'Busy',
    'Draining',
    'Idle',
    'Lost',
    'Suspect',
  ]);
  assert.equal(totals.slots, 2);
});

test('a worker has every documented field, with the name that it gave', async () => {
  await cluster.run('noop', { task_count: 50 });
  await cluster.until('a heartbeat brings its load', ({ workers }) =>
    Object.values(workers).some(({ memory, cpu }) => memory > 0 && cpu !== null),
  );
  const [worker] = await cluster.workerDocuments();
  assertFields(worker, {
    id: 'string',
    name: 'string',
    kind: 'string',
    slots: 'number',
    state: 'string',
    cpu: 'number|null',
    memory: 'number',
    tasks_processed: 'number',
    processing_rate: 'number',
    current_task: 'string',
    uptime: 'number',
    last_seen: 'number',
  });
  assert.equal(worker.name, 'Büro 7 <b>"east"</b>');
  assert.equal(worker.kind, 'native');
  assert.equal(worker.slots, 2);
  assert.equal(worker.tasks_processed, 50);
  assert.ok(worker.memory > 1e6 && worker.memory < 1e9, `${worker.memory} bytes`);
  const { json: same } = await cluster.ask(`/api/v1/workers/${worker.id}`);
  assert.equal(same.id, worker.id);
});

test('a job has every documented field while it runs, and when it is over', async () => {
  const id = await cluster.submit(
    'monte_carlo_pi',
    { samples: 300 * 2 ** 22, seed: 1 },
    { name: 'π by darts', priority: 3, validation: 'none' },
  );
  const fields = {
    id: 'number',
    type: 'string',
    name: 'string',
    state: 'string',
    tasks: 'object',
    elapsed: 'number',
    eta: 'number|null',
    result: 'object|null',
    error: 'object|null',
  };
  const running = await cluster.until(
    'the job knows when it will end',
    ({ jobs }) => jobs[id]?.tasks.done > 0 && typeof jobs[id]?.eta === 'number' && jobs[id],
  );
  assert.equal(running.state, 'Running');
  assert.ok(running.eta >= 0);
  assert.equal(running.tasks.total, 300);
  const unready = await cluster.ask(`/api/v1/jobs/${id}/result`);
  assert.equal(unready.status, 409);
  assert.match(unready.json.error.message, /not over yet: Running/);

  const hasty = await cluster.ask(`/api/v1/jobs/${id}?wait=soon`);
  assert.equal(hasty.status, 400);
  assert.equal(hasty.json.error.message, 'wait: "soon" is not a number of seconds from 0 to 60');

  const { json: result } = await cluster.ask(`/api/v1/jobs/${id}/result?wait=60`);
  const { json: job } = await cluster.ask(`/api/v1/jobs/${id}`);
  assertFields(job, fields);
  assert.deepEqual(
    [job.type, job.name, job.priority, job.state],
    ['monte_carlo_pi', 'π by darts', 3, 'Succeeded'],
  );
  assert.deepEqual(job.tasks, { total: 300, done: 300, failed: 0 });
  assert.deepEqual(job.result, result);
  assertFields(result, {
    estimate: 'number',
    standard_error: 'number',
    samples: 'number',
    inside: 'number',
  });
  assert.ok(Math.abs(result.estimate - Math.PI) < 5 * result.standard_error, `${result.estimate}`);
  const { json: jobs } = await cluster.ask('/api/v1/jobs');
  assert.deepEqual(
    jobs.map((/** @type {any} */ one) => one.id),
    [1, id],
  );
});

test('a failed job says why, and has no result', async () => {
  const id = await cluster.submit('train', { target: 'Fate' });
  const job = await cluster.whenOver(id);
  assert.equal(job.state, 'Failed');
  assert.match(job.error.message, /Fate/);
  assert.equal(job.error.code, 'not_found');
  assert.equal(job.result, null);
});

test('the metrics parse as Prometheus text, and agree with the cluster', async () => {
  const label = /[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\.)*"/.source;
  const { text, headers } = await cluster.ask('/metrics');
  assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
  assert.ok(text.endsWith('\n'));
  /** @type {Map<string, string>} */
  const types = new Map();
  /** @type {Map<string, number>} */
  const values = new Map();
  for (const line of text.trimEnd().split('\n')) {
    const comment = line.match(/^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/);
    if (comment) {
      if (comment[1] === 'TYPE') types.set(comment[2], comment[3]);
      continue;
    }
    const sample = line.match(
      new RegExp(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{${label}(?:,${label})*\\})? (\\S+)$`),
    );
    assert.ok(sample, line);
    assert.match(types.get(sample[1]) ?? '', /^(counter|gauge)$/, `${sample[1]} has a type`);
    assert.ok(Number.isFinite(Number(sample[3])), line);
    values.set(sample[1] + (sample[2] ?? ''), Number(sample[3]));
  }
  const { json: totals } = await cluster.ask('/api/v1/cluster');
  assert.equal(values.get('netcompute_tasks_done_total'), totals.tasks_done);
  assert.equal(values.get('netcompute_workers{state="Idle"}'), 1);
});

test('blobs are served for as long as their job lasts, and nothing else is', async () => {
  const listed = () =>
    readdirSync(cluster.file('state/blobs'), { recursive: true, withFileTypes: false })
      .map((name) => String(name).replaceAll('/', ''))
      .filter((name) => /^[0-9a-f]{64}$/.test(name));
  const [worker] = cluster.workers;
  worker.kill('SIGSTOP'); // So that the training lasts.
  try {
    const id = await cluster.submit('train', {});
    await cluster.until('the training waits', ({ jobs }) => jobs[id]?.tasks.total > 0);
    const blobs = listed();
    assert.ok(blobs.length > 0, 'a training has blobs');
    for (const sha256 of blobs.slice(0, 3)) {
      const response = await fetch(`${cluster.origin}/blobs/${sha256}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      assert.equal(response.status, 200);
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
      assert.match(response.headers.get('cache-control') ?? '', /max-age=31536000, immutable/);
    }
    const [one] = blobs;
    for (const name of ['0'.repeat(64), one.slice(1), `${one}0`, one.toUpperCase()]) {
      assert.equal((await cluster.ask(`/blobs/${name}`)).status, 404, name);
    }
    await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE' });
    assert.deepEqual(listed(), [], 'they go with their job');
  } finally {
    worker.kill('SIGCONT');
  }
});

test('endpoints.json has the shape of config.json, with the real ports', async () => {
  const { master, dashboard } = cluster.endpoints;
  assert.deepEqual(Object.keys(cluster.endpoints).sort(), ['dashboard', 'master']);
  for (const port of [
    master.task_port,
    master.result_port,
    master.heartbeat_port,
    dashboard.port,
  ]) {
    assert.ok(Number(port) > 0, `${port}`);
  }
  assert.equal((await ask(`http://${dashboard.host}:${dashboard.port}`, '/healthz')).status, 200);
});

test('the two pages are there', async () => {
  for (const target of ['/', '/worker']) {
    const { status, headers, text } = await cluster.ask(target);
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^text\/html/);
    assert.match(text, /^<!doctype html>/i);
  }
});

test('submissions beyond the limit of jobs are refused until some are over', async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('no worker is left', ({ cluster: now }) => now.workers.connected === 0);
  const jobsMax = 1000;
  const headers = { 'Content-Type': 'application/json' };
  const body = { type: 'noop' };
  const ids = [];
  for (let i = 0; i < jobsMax; ++i) ids.push(await cluster.submit('noop'));
  const refused = await cluster.ask('/api/v1/jobs', { method: 'POST', headers, body });
  assert.equal(refused.status, 429);
  assert.match(refused.json.error.message, /there are 1000 jobs already/);
  assert.equal((await cluster.ask(`/api/v1/jobs/${ids[0]}`, { method: 'DELETE' })).status, 200);
  const taken = await cluster.ask('/api/v1/jobs', { method: 'POST', headers, body });
  assert.equal(taken.status, 201);
  await cluster.startWorker();
  await cluster.until('all of them are done', ({ cluster: now }) => now.jobs_live === 0);
});

// Strangers that take leases and hang up, that go by the ids of others and lie, and PCs that are
// copies of others: nobody else suffers for it.

import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

/** @type {Cluster} */
let cluster;
/** @type {RawWorker[]} */
let strangers = [];

beforeEach(async () => {
  cluster = await Cluster.start();
});
afterEach(async () => {
  for (const stranger of strangers) stranger.close();
  strangers = [];
  await cluster.close();
});

/** @param {Record<string, any>} fields of its hello */
async function invite(fields) {
  const stranger = await RawWorker.connect(cluster.origin);
  strangers.push(stranger);
  stranger.hello(fields);
  const welcome = await stranger.next('welcome');
  stranger.session = welcome.session;
  return { stranger, key: welcome.worker };
}

/** The id that workers with this state folder ask for. @param {string} [state] */
function idIn(state = 'worker-state') {
  return readFileSync(cluster.file(`${state}/netcompute/worker-id`), 'utf8').split('\n')[0];
}

/** @param {import('../support/program.mjs').Program} worker */
async function end(worker) {
  worker.kill('SIGTERM');
  assert.deepEqual(await worker.ended, { code: 0, signal: null });
}

/** @param {string} name */
async function workerNamed(name) {
  const found = (await cluster.workerDocuments()).find((one) => one.name === name);
  assert.ok(found, `${name} is there`);
  return found;
}

test('strangers that take leases and hang up fail no job', async () => {
  const params = { samples: 40 * 2 ** 22, seed: 3 };
  for (const validation of ['adaptive', 'none']) {
    const id = await cluster.submit('monte_carlo_pi', params, { validation });
    for (let count = 0; count < 12; ++count) {
      const { stranger } = await invite({ slots: 1024 });
      await stranger.next('lease', ({ job }) => job === id);
      stranger.close();
      await stranger.closed;
    }
    const helper = await cluster.startWorker();
    const { result_sha256 } = await cluster.resultOf(id);
    const wanted = await referenceSha256('monte_carlo_pi', params);
    assert.equal(result_sha256, wanted, validation);
    await end(helper);
  }
});

test('one that lies under the id of a worker that is away does not shut that one out', async () => {
  await end(await cluster.startWorker({ name: 'owner' }));
  const id = await cluster.submit('monte_carlo_pi', { samples: 20 * 2 ** 22 });
  const { stranger, key } = await invite({ worker: idIn() });
  assert.equal(key, `${idIn()}-2`);
  const { lease, job } = await stranger.next('lease');
  stranger.result({ lease, job }, { bytes: new Uint8Array(16).fill(7) });
  assert.equal((await stranger.next('goodbye')).code, 'quarantined');

  // Neither under the id that it wants nor under the one that it got does it come again.
  for (const worker of [idIn(), key]) {
    const again = await RawWorker.connect(cluster.origin);
    strangers.push(again);
    again.hello({ worker });
    assert.equal((await again.next('goodbye')).code, 'quarantined');
  }
  const owner = await cluster.startWorker({ name: 'owner' });
  assert.match(owner.tail(), new RegExp(`as ${idIn()} with`));
  await cluster.resultOf(id);
  assert.equal((await workerNamed('owner')).quarantined, '');
});

test('of two PCs with the same files each stays drained or not, whoever comes first', async () => {
  await end(await cluster.startWorker({ state: 'pc-a', name: 'twin' }));
  cpSync(cluster.file('pc-a'), cluster.file('pc-b'), { recursive: true });
  const [a, b] = [
    await cluster.startWorker({ state: 'pc-a', name: 'twin' }),
    await cluster.startWorker({ state: 'pc-b', name: 'twin' }),
  ];
  await b.until(/is another worker's at this master .* this one is \w+-2$/);
  assert.equal((await workerNamed('twin')).id, idIn('pc-a'));
  const copy = await workerNamed('twin-2');
  assert.equal(copy.id, `${idIn('pc-a')}-2`);
  const drained = await cluster.ask(`/api/v1/workers/${copy.id}/drain`, { method: 'POST' });
  assert.equal(drained.status, 200);

  await cluster.killMaster();
  await Promise.all([end(a), end(b)]);
  await cluster.restartMaster();
  await cluster.startWorker({ state: 'pc-b', name: 'twin' });
  await cluster.startWorker({ state: 'pc-a', name: 'twin' });
  const documents = await cluster.workerDocuments();
  const drains = Object.fromEntries(documents.map(({ id, drained: is }) => [id, is]));
  assert.deepEqual(drains, { [idIn('pc-a')]: false, [copy.id]: true });
  await cluster.run('noop', { task_count: 100 });
  const done = Object.fromEntries(
    (await cluster.workerDocuments()).map(({ id, tasks_processed: count }) => [id, count]),
  );
  assert.deepEqual(done, { [idIn('pc-a')]: 100, [copy.id]: 0 });
});

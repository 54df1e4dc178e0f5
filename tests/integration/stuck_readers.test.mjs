// Peers that read nothing of what they are sent: the master drops them before they cost it much.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';
import { patience } from '../support/patience.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

const params = { samples: 400 * 2 ** 22, seed: 13 };
/** What may wait for one peer, with what it takes to keep that. */
const growthMaxMiB = 192;

/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
});
after(() => cluster?.close());

function masterMiB() {
  const status = readFileSync(`/proc/${cluster.master.pid}/status`, 'utf8');
  return Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) / 1024;
}

test('a worker by WebSocket that reads nothing is dropped, and others work on', async (t) => {
  await cluster.run('noop', { task_count: 1 });
  const id = await cluster.submit('monte_carlo_pi', params);
  const before = masterMiB();
  const stuck = await RawWorker.join(cluster.origin, { name: 'stuck' });
  stuck.stopReading();
  const dropped = cluster.master.until(
    /peer at 127\.0\.0\.1 does not read what it is sent: closed/,
  );
  let isDropped = false;
  const over = dropped.finally(() => (isDropped = true));
  // Each lease that is over is answered by its revocation, up to so many of one heartbeat.
  const leases = new Array(256).fill(1);
  let highest = 0;
  while (!isDropped) {
    stuck.heartbeat({ leases });
    highest = Math.max(highest, masterMiB());
    await cluster.ask('/healthz');
  }
  await over;
  t.diagnostic(`the master grew by ${(highest - before).toFixed(0)} MiB`);
  const isBounded = highest - before < growthMaxMiB;
  // Builds that are that slow also keep what they have freed.
  assert.ok(isBounded || patience > 1, `it grew by ${(highest - before).toFixed(0)} MiB`);
  await cluster.master.until(/browser worker stuck .* disconnected/);
  const sha256 = await referenceSha256('monte_carlo_pi', params);
  assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
  stuck.close();
});

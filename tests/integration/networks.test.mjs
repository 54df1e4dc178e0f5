// Links that are cut, healed, slow, lossy, or dead in one direction: jobs end, and end right.

import assert from 'node:assert/strict';
import { afterEach, before, beforeEach, test } from 'node:test';

import { Cluster, referenceSha256 } from '../support/cluster.mjs';
import { FarPc, badLinksAreThere } from '../support/far_pc.mjs';
import { inOwnWorld } from '../support/own_world.mjs';
import { Pace } from '../support/pace.mjs';

const leaseSeconds = 10;
const params = { samples: 400 * 2 ** 22 - 1, seed: 14 };
const loneParams = { samples: 2 ** 22, seed: 6 };
let sha256 = '';
let loneSha256 = '';
let titanicSha256 = '';
/** @type {Cluster} */
let cluster;
/** @type {FarPc[]} */
let pcs = [];

/** @param {string} name @param {import('../support/far_pc.mjs').BadLink} [badLink] */
async function startFarWorker(name, badLink) {
  const pc = await FarPc.make(badLink);
  pcs.push(pc);
  const args = ['--master', pc.masterAddress];
  const worker = await cluster.startWorker({ name, args, within: pc.within });
  return { pc, worker };
}

/** @param {string} name @param {(worker: any) => unknown} look */
function untilWorker(name, look) {
  return cluster.until(`${name} is ${look}`, ({ workers }) =>
    Object.values(workers).some((worker) => worker.name === name && look(worker)),
  );
}

async function begin() {
  const id = await cluster.submit('monte_carlo_pi', params);
  await cluster.until('it has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
  return id;
}

inOwnWorld(import.meta.url, () => {
  before(async () => {
    sha256 = await referenceSha256('monte_carlo_pi', params);
    loneSha256 = await referenceSha256('monte_carlo_pi', loneParams);
  });
  beforeEach(async () => {
    const everywhere = '0.0.0.0';
    cluster = await Cluster.start({
      config: {
        master: { ip: everywhere, task_port: '0', result_port: '0', heartbeat_port: '0' },
        dashboard: { host: everywhere, port: '0' },
      },
    });
    titanicSha256 = await referenceSha256('train', { data: cluster.file('Data/train.csv') });
  });
  afterEach(async () => {
    await cluster.close();
    for (const pc of pcs) await pc.remove();
    pcs = [];
  });

  test('a link that is cut for some seconds delays its worker, and breaks nothing', async () => {
    const { pc, worker } = await startFarWorker('far');
    const id = await begin();
    const said = worker.lines.length;
    await pc.cut();
    await untilWorker('far', ({ state }) => state === 'Suspect');
    await pc.heal();
    assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
    assert.deepEqual(worker.lines.slice(said), [], 'it never lost the master');
  });

  test('a round waits for a cut link one lease at most; healed, the worker is back', async (t) => {
    const { pc, worker } = await startFarWorker('far');
    await pc.cut();
    const id = await cluster.submit('monte_carlo_pi', loneParams);
    await untilWorker('far', ({ state }) => state === 'Busy');
    const granted = performance.now();
    const pace = new Pace(() => cluster.ask('/healthz'));
    await cluster.startWorker({ name: 'near' });
    assert.equal((await cluster.resultOf(id)).result_sha256, loneSha256);
    await pace.checkSince(t, 'the round took', granted, leaseSeconds + 1);
    await worker.until(/lost the master/);
    await pc.heal();
    await worker.until(/back with the master/);
    assert.equal((await cluster.run('train')).model_sha256, titanicSha256);
  });

  test('workers whose links are dead in one direction are lost, and back once healed', async () => {
    const deaf = await startFarWorker('deaf');
    const mute = await startFarWorker('mute');
    const id = await begin();
    await deaf.pc.makeDeaf();
    await mute.pc.makeMute();
    await cluster.startWorker({ name: 'near' });
    await Promise.all([deaf, mute].map(({ worker }) => worker.until(/lost the master/)));
    assert.equal((await cluster.resultOf(id)).result_sha256, sha256);
    await deaf.pc.healDeafness();
    await mute.pc.healMuteness();
    await Promise.all([deaf, mute].map(({ worker }) => worker.until(/back with the master/)));
    assert.equal((await cluster.run('train')).model_sha256, titanicSha256);
  });

  const skip = badLinksAreThere() ? false : 'this PC has no TUN devices';
  test(
    'a link 100 ms late that loses 5 % of all packets is slow, and right',
    { skip },
    async (t) => {
      const { pc } = await startFarWorker('far', { delayMs: 100, loss: 0.05, seed: 14 });
      assert.equal((await cluster.run('monte_carlo_pi', params)).result_sha256, sha256);
      assert.equal((await cluster.run('train')).model_sha256, titanicSha256);
      const { passed, lost } = await pc.countPackets();
      t.diagnostic(`${passed} packets arrived, ${lost} were lost`);
      assert.ok(lost > 0);
    },
  );
});

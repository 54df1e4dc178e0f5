// Tabs of real Chromium that are closed, or frozen with the whole browser, while they hold tasks.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterEach, test } from 'node:test';

import { launchBrowserServer } from '../support/browser.mjs';
import { Cluster, binaryFolder, referenceSha256, repository } from '../support/cluster.mjs';
import { Ordeal, verboseMaster } from '../support/ordeal.mjs';
import { Pace } from '../support/pace.mjs';
import { seededRandom } from './workload.mjs';

const leaseSeconds = 10;
const params = { samples: 300 * 2 ** 22 - 1, seed: 8 };

/** @type {Cluster} */
let cluster;
/** @type {Awaited<ReturnType<typeof launchBrowserServer>>} */
let chromium;

afterEach(async () => {
  await chromium?.close();
  await cluster?.close();
});

/** @param {import('../support/cluster.mjs').ClusterOptions} [options] */
async function begin(options) {
  cluster = await Cluster.start(options);
  chromium = await launchBrowserServer();
}

async function openTab() {
  const page = await chromium.browser.newPage();
  await page.goto(`${cluster.origin}/worker`);
  await cluster.until('the tab is there', ({ cluster: now }) => now.workers.browser === 1);
  return page;
}

function sha256() {
  return referenceSha256('monte_carlo_pi', params);
}

/** The pages, with kernels that never end. @param {string} folder */
function installEndlessKernels(folder) {
  cpSync(path.join(binaryFolder, 'web'), path.join(folder, 'web'), { recursive: true });
  const kernels = path.join(repository, 'tests/support/endless_wasm/kernels.js');
  cpSync(kernels, path.join(folder, 'web/wasm/kernels.js'));
}

test("a closed tab's tasks run elsewhere within one second", async (t) => {
  await begin({
    args: ['--mode', 'serve', '--web-root', 'web'],
    prepare: installEndlessKernels,
  });
  const page = await openTab();
  const id = await cluster.submit('monte_carlo_pi', { samples: 2 ** 22 });
  await cluster.until('the tab works', ({ cluster: now }) => now.workers.by_state.Busy === 1);
  await cluster.startWorker();
  const pace = new Pace(() => cluster.ask('/healthz'));
  const closed = performance.now();
  await page.close();
  await cluster.resultOf(id);
  await pace.checkSince(t, 'the native worker had done it', closed, 1);
});

test('a browser that is frozen past its leases wakes to a job that goes on rightly', async (t) => {
  await begin();
  await openTab();
  const id = await cluster.submit('monte_carlo_pi', params, { validation: 'none' });
  await cluster.until('the tab has done some', ({ jobs }) => jobs[id]?.tasks.done > 0);
  chromium.signal('SIGSTOP');
  const frozen = performance.now();
  const pace = new Pace(() => cluster.ask('/healthz'));
  try {
    const loss = cluster
      .until('the tab is lost', ({ cluster: now }) => now.workers.browser === 0)
      .then(() => pace.checkSince(t, 'it was lost', frozen, leaseSeconds + 1));
    const ending = cluster.startWorker().then(() => cluster.resultOf(id));
    const [result] = await Promise.all([ending, loss]);
    assert.equal(result.result_sha256, await sha256());
    const seconds = (performance.now() - frozen) / 1000;
    t.diagnostic(`the job was over ${seconds.toFixed(2)} s after the browser had frozen`);
  } finally {
    await pace.stop();
    chromium.signal('SIGCONT');
  }
  await cluster.until('the tab is back', ({ cluster: now }) => now.workers.browser === 1);
  const again = await cluster.run('monte_carlo_pi', params);
  assert.equal(again.result_sha256, await sha256());
});

test('a tab and a native worker find a master again that is killed and killed', async (t) => {
  const seed = 7;
  await begin({ args: verboseMaster });
  const ordeal = new Ordeal(cluster, seededRandom(seed));
  await openTab();
  await cluster.startWorker();
  const id = await cluster.submit('monte_carlo_pi', params, { validation: 'none' });
  for (let kills = 0; kills < 3; ++kills) {
    await cluster.until('all are back and at work', ({ cluster: now }) => {
      const { browser, native } = now.workers;
      return now.jobs_live === 0 || (browser === 1 && native === 1 && now.tasks_done > 3);
    });
    await ordeal.kill();
  }
  assert.equal((await cluster.resultOf(id)).result_sha256, await sha256());
  const { tasks } = (await cluster.ask(`/api/v1/jobs/${id}`)).json;
  assert.equal(tasks.done, 300);
  t.diagnostic(`${ordeal.kills} kills`);
});

// Tabs of real Chromium, alone and beside native workers, closed and killed at any time: the same
// bits as a single native process.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { launchBrowser, pageErrors } from '../support/browser.mjs';
import { Cluster } from '../support/cluster.mjs';
import { assertTookPart, disturb, seededRandom, Workload } from './workload.mjs';

const workload = new Workload({ piTasks: 40 });
/** @type {Cluster} */
let cluster;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').BrowserContext} */
let context;

before(async () => {
  await workload.prepare();
  cluster = await Cluster.start({ prepare: workload.install });
  browser = await launchBrowser();
  context = await browser.newContext();
});
after(async () => {
  await browser?.close();
  await cluster?.close();
  workload.remove();
});
afterEach(async () => {
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  for (const page of context.pages()) await page.close();
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** @param {number} count */
function untilTabs(count) {
  return cluster.until(
    `${count} tabs are there`,
    ({ cluster: now }) => now.workers.browser === count,
  );
}

/** @param {number} count of tabs that are open then */
async function openTab(count) {
  const page = await context.newPage();
  await page.goto(`${cluster.origin}/worker`);
  await untilTabs(count);
  return page;
}

test('opening the worker page is all that a waiting job needs', async () => {
  const id = await cluster.submit('noop', { task_count: 1, payload_bytes: 64 });
  await cluster.until(
    'the job waits for workers',
    ({ jobs }) => jobs[id]?.waiting_for === 'workers',
  );
  const page = await context.newPage();
  const errors = pageErrors(page);
  const going = page.goto(`${cluster.origin}/worker`);
  const job = await cluster.whenOver(id);
  await going;
  assert.equal(job.state, 'Succeeded');
  assert.deepEqual(errors, []);
});

test('one tab gives the bits of a single native process', async () => {
  await openTab(1);
  await workload.check(cluster);
  await assertTookPart(cluster, 1, 'browser');
});

test('two tabs and two native workers together give them too', async () => {
  await openTab(1);
  await cluster.startWorkers(2);
  await openTab(2);
  await workload.check(cluster);
  await assertTookPart(cluster, 2, 'browser');
  await assertTookPart(cluster, 2, 'native');
});

test('tabs closed or crashed and workers killed in the middle of jobs change no bit', async () => {
  const random = seededRandom(3);
  const tabs = [await openTab(1), await openTab(2)];
  await cluster.startWorker();
  const troubles = [closeTab, crashTab, killNative];
  let next = 0;
  async function closeTab() {
    await tabs.splice(Math.floor(random() * tabs.length), 1)[0].close();
    await untilTabs(1);
    tabs.push(await openTab(2));
  }
  async function crashTab() {
    const page = tabs.splice(Math.floor(random() * tabs.length), 1)[0];
    await Promise.all([page.waitForEvent('crash'), page.goto('chrome://crash').catch(() => {})]);
    await untilTabs(1);
    tabs.push(await openTab(2));
  }
  async function killNative() {
    const victim = cluster.workers.filter((worker) => !worker.hasEnded)[0];
    victim.kill('SIGKILL');
    await victim.ended;
    await cluster.startWorker();
  }
  const jobs = await disturb(cluster, {
    times: 6,
    random,
    submit: () => workload.submitMany(cluster),
    makeTrouble: () => troubles[next++ % troubles.length](),
  });
  await workload.checkMany(cluster, jobs);
});

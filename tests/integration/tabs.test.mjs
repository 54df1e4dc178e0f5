// Tabs of real Chromium and a real master with a token: joining, leaving, and a master that dies.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { launchBrowser, pageErrors } from '../support/browser.mjs';
import { Cluster } from '../support/cluster.mjs';

const token = 'correct-horse-battery';
/** @type {Cluster} */
let cluster;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').BrowserContext} */
let context;

before(async () => {
  cluster = await Cluster.start({ config: { security: { join_token: token } } });
  browser = await launchBrowser();
});
after(async () => {
  await browser?.close();
  await cluster?.close();
});
afterEach(async () => {
  await context.close();
  for (const worker of cluster.workers) worker.kill('SIGKILL');
  await cluster.until('all workers are gone', ({ cluster: now }) => now.workers.connected === 0);
});

/** In a browser that was never here before. @param {string} [query] */
async function openTab(query = `?token=${token}`) {
  context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${cluster.origin}/worker${query}`);
  return page;
}

function untilJoined() {
  return cluster.until('the tab is there', ({ cluster: now }) => now.workers.browser === 1);
}

/** @param {import('playwright-core').Page} page @param {string} title */
async function untilTitle(page, title) {
  await page.waitForFunction(
    (wanted) => document.getElementById('title')?.textContent === wanted,
    title,
  );
}

test('a tab without the token is refused, asks for it, and works once it has it', async () => {
  const page = await openTab('');
  await untilTitle(page, 'Refused');
  await page.getByLabel('Token of the master').fill(token);
  await page.getByRole('button', { name: 'Join' }).click();
  await untilJoined();
  await cluster.run('noop', { task_count: 100, payload_bytes: 8 });
});

test('a tab that goes elsewhere is said to have left, and others do its tasks', async () => {
  const page = await openTab();
  const errors = pageErrors(page);
  await untilJoined();
  const id = await cluster.submit('monte_carlo_pi', { samples: 100 * 2 ** 22 });
  await cluster.until('the tab has begun', ({ jobs }) => jobs[id]?.tasks.done > 0);
  const said = cluster.master.lines.length;
  await page.goto('about:blank');
  await cluster.master.until(/browser worker .* left$/, said);
  await cluster.until('the job waits', ({ jobs }) => jobs[id]?.waiting_for === 'workers');
  await cluster.startWorker();
  assert.equal((await cluster.whenOver(id)).state, 'Succeeded');
  assert.deepEqual(errors, []);
});

test('a tab waits for a master that was killed, and works for the one that follows', async () => {
  const page = await openTab();
  await untilJoined();
  await cluster.submit('monte_carlo_pi', { samples: 1000 * 2 ** 22 });
  await cluster.until('the tab works', ({ cluster: now }) => now.workers.by_state.Busy === 1);
  await cluster.killMaster();
  await untilTitle(page, 'Master unreachable');
  await cluster.restartMaster();
  await untilJoined();
  await cluster.run('noop', { task_count: 100, payload_bytes: 8 });
  const [worker] = await cluster.workerDocuments();
  assert.deepEqual([worker.kind, worker.tasks_processed], ['browser', 100]);
});

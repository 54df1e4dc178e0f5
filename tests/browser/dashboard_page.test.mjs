// The dashboard in real Chromium, on a feed that each test writes itself.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { launchBrowser, pageErrors, waitForText } from '../support/browser.mjs';
import { MockMaster } from '../support/mock_master.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {MockMaster} */
let master;
/** @type {import('playwright-core').BrowserContext} */
let context;
/** @type {import('playwright-core').Page} */
let page;

before(async () => {
  browser = await launchBrowser();
});
after(() => browser.close());
beforeEach(async () => {
  master = await new MockMaster().start();
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(async () => {
  await context.close();
  await master.stop();
});

/** @param {string} selector @param {string | RegExp} wanted */
const untilText = (selector, wanted) => waitForText(page, selector, wanted);

/** @param {number} id @param {object} [fields] */
function worker(id, fields = {}) {
  return {
    id,
    name: `PC ${id}`,
    kind: id % 2 ? 'native' : 'browser',
    slots: 4,
    state: 'Idle',
    cpu: 0.25,
    memory: 64 * 2 ** 20,
    tasks_processed: id * 10,
    processing_rate: id,
    current_task: '',
    uptime: 100,
    last_seen: 0.5,
    ...fields,
  };
}

/** @param {object[]} workers @param {object} [jobs] */
function snapshot(workers, jobs = {}) {
  const cluster = {
    version: '9.9.9',
    uptime: 59,
    workers: { native: 1, browser: 1, by_state: { Idle: 2 } },
    slots: 8,
    tasks_per_second: 1234.5,
    tasks_done: 1_000_000,
    join_url: 'http://192.168.1.20:5051/worker',
  };
  const byId = Object.fromEntries(workers.map((entry) => [/** @type {any} */ (entry).id, entry]));
  return { type: 'snapshot', state: { cluster, workers: byId, jobs } };
}

const runningJob = {
  id: 7,
  type: 'train',
  name: 'Titanic',
  state: 'Running',
  tasks: { total: 200, done: 50, failed: 0 },
  round: 2,
  elapsed: 10,
  eta: 30,
};

test('a snapshot is drawn, patches change what they name, and no policy is broken', async () => {
  const errors = pageErrors(page);
  await page.goto(master.origin);
  const feed = await master.nextDashboard();
  feed.send(snapshot([worker(1), worker(2)], { 7: runningJob }));
  await untilText('#workers-total', '2');
  await untilText('#rate', '1,235');
  await untilText('#tasks-done', '1,000,000');
  await untilText('[data-job="7"] h3', 'Titanic');
  await untilText('[data-job="7"] .facts', /50 of 200.*25%/);

  await page.evaluate(() =>
    document.querySelector('#workers tr')?.setAttribute('data-mark', 'kept'),
  );
  feed.send({
    type: 'patch',
    patch: {
      workers: { 2: { state: 'Busy', current_task: 'noop 7/2/3' }, 1: { cpu: -1 } },
      jobs: { 7: { tasks: { done: 150 } } },
    },
  });
  await untilText('[data-job="7"] .facts', /150 of 200.*75%/);
  await untilText('#workers tr:nth-child(2)', /PC 2.*Busy.*noop 7\/2\/3/);
  await untilText('#workers tr:nth-child(1) .column-cpu', '–');
  assert.equal(await page.locator('#workers tr[data-mark="kept"]').count(), 1);

  feed.send({ type: 'patch', patch: { workers: { 1: null } } });
  await page.waitForFunction(() => document.querySelectorAll('#workers tr').length === 1);
  assert.deepEqual(errors, []);
});

test('a name that looks like HTML is shown as it is, and runs nothing', async () => {
  const name =
    '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>';
  await page.goto(master.origin);
  const feed = await master.nextDashboard();
  const job = { ...runningJob, name, error: name, result: { [name]: name } };
  feed.send(snapshot([worker(1, { name, current_task: name })], { 7: job }));
  await untilText('#workers .column-name', name);
  await untilText('[data-job="7"] h3', name);
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.equal(await page.title(), 'NetCompute');
});

test('a job without workers says so, and what to do', async () => {
  await page.goto(master.origin);
  const feed = await master.nextDashboard();
  const job = { ...runningJob, waiting_for: 'workers' };
  feed.send(snapshot([], { 7: job }));
  await untilText('[data-job="7"] .notice', /Waiting for workers/);
  await untilText('#join-url', 'http://192.168.1.20:5051/worker');
  assert.equal(await page.isVisible('#workers-none'), true);
});

test('ages go on counting between patches, and time left never falls below nothing', async () => {
  await page.goto(master.origin);
  const feed = await master.nextDashboard();
  const job = { ...runningJob, eta: 1 };
  feed.send(snapshot([worker(1, { last_seen: 4 })], { 7: job }));
  await untilText('#workers .column-seen', '4 s ago');
  await untilText('#uptime', '1 min 01 s');
  await untilText('#workers .column-seen', '6 s ago');
  await untilText('[data-job="7"] .facts', /about 0 s/);
});

test('a thousand workers: a hundred rows, more on request, sorted and filtered', async () => {
  await page.goto(master.origin);
  const feed = await master.nextDashboard();
  feed.send(snapshot(Array.from({ length: 1000 }, (_, i) => worker(i + 1))));
  await untilText('#workers-more', 'and 900 more');
  assert.equal(await page.locator('#workers tr').count(), 100);
  await page.getByRole('button', { name: 'and 900 more' }).click();
  await untilText('#workers-more', 'and 800 more');

  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  await untilText('#workers tr:first-child .column-name', 'PC 1000');
  await page.getByRole('button', { name: 'Tasks', exact: true }).click();
  await untilText('#workers tr:first-child .column-name', 'PC 1');
  await page.getByLabel('Filter workers').fill('browser pc 77');
  await untilText('#workers-count', '5 of 1,000 workers');
});

test('when the master goes the page says so, and when it is back it is live again', async () => {
  await page.goto(master.origin);
  (await master.nextDashboard()).send(snapshot([worker(1)]));
  await untilText('#feed-text', 'Live');
  await master.stop();
  await untilText('#feed-text', 'Not connected');
  await untilText('#feed-notice', /cannot be reached/);
  await master.start();
  (await master.nextDashboard()).send(snapshot([worker(1), worker(5)]));
  await untilText('#feed-text', 'Live');
  await untilText('#workers-count', '2 workers');
});

test('a feed that sends rubbish is left, and its next snapshot counts', async () => {
  await page.goto(master.origin);
  (await master.nextDashboard()).send({ type: 'surprise' });
  (await master.nextDashboard()).send(snapshot([worker(3)]));
  await untilText('#workers .column-name', 'PC 3');
});

test('a refused feed asks for the token, and connects with it from then on', async () => {
  master.dashboardToken = 'right';
  await page.goto(master.origin);
  await page.getByLabel('This master asks for its token').fill('right');
  await page.getByRole('button', { name: 'Connect' }).click();
  (await master.nextDashboard()).send(snapshot([worker(1)]));
  await untilText('#feed-text', 'Live');
  assert.equal(await page.isVisible('#token-form'), false);
  await page.goto(master.origin);
  assert.equal((await master.nextDashboard()).url, '/ws/dashboard?token=right');
});

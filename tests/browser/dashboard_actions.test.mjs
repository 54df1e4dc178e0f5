// What a person may do on the dashboard, in real Chromium: each button, what it asks of the master,
// and what the page says when the master refuses.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { launchBrowser, waitForText } from '../support/browser.mjs';
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

const runningJob = {
  id: 7,
  type: 'train',
  name: 'Titanic',
  state: 'Running',
  priority: 2,
  tasks: { total: 200, done: 50, failed: 0 },
  elapsed: 10,
};
const lab = { id: 'w-1', name: 'lab-1', kind: 'native', slots: 4, state: 'Busy', validated: 12 };

/** @param {Record<string, object>} jobs @param {Record<string, object>} [workers] */
function snapshot(jobs, workers = {}) {
  const cluster = { version: '9.9.9', uptime: 59, workers: {}, slots: 8 };
  return { type: 'snapshot', state: { cluster, workers, jobs } };
}

/** Opens the dashboard with a token and the given state. @param {object} state */
async function open(state) {
  await page.goto(`${master.origin}/?token=open+sesame`);
  const feed = await master.nextDashboard();
  feed.send(state);
  return feed;
}

/** The next call that the page makes, which must have come with the token. */
async function nextCall() {
  const { authorization, ...call } = await master.requests.take();
  assert.equal(authorization, 'Bearer open sesame');
  return call;
}

/** @param {string} name */
function button(name) {
  return page.getByRole('button', { name, exact: true });
}

test('cancelling a job asks twice, and names the token', async () => {
  await open(snapshot({ 7: runningJob }));
  await button('Cancel job 7').click();
  await button('Really cancel job 7?').waitFor();
  assert.equal(master.requests.items.length, 0);
  await button('Really cancel job 7?').click();
  assert.deepEqual(await nextCall(), { method: 'DELETE', url: '/api/v1/jobs/7', body: '' });
});

test('a running job can be paused, a paused one says why and can be resumed', async () => {
  const feed = await open(snapshot({ 7: runningJob }));
  await button('Pause job 7').click();
  assert.deepEqual(await nextCall(), { method: 'POST', url: '/api/v1/jobs/7/pause', body: '' });
  const patch = { jobs: { 7: { state: 'Paused', paused_because: 'the disk is full' } } };
  feed.send({ type: 'patch', patch });
  await untilText('[data-job="7"] .notice', 'Paused: the disk is full.');
  await untilText('[data-job="7"] .pill', 'Paused');
  await button('Resume job 7').click();
  assert.deepEqual(await nextCall(), { method: 'POST', url: '/api/v1/jobs/7/resume', body: '' });
});

test('a priority is changed where it stands, and a bad one is refused on the spot', async () => {
  const feed = await open(snapshot({ 7: runningJob }));
  const field = page.getByLabel('Priority of job 7');
  await page.waitForFunction(() => {
    const shown = document.querySelector('.priority input');
    return shown instanceof HTMLInputElement && shown.value === '2';
  });
  await field.fill('5000');
  await field.press('Enter');
  await untilText('[data-job="7"] .error', /whole number from -1000 to 1000/);
  await field.fill('-3');
  // A patch that comes while somebody types leaves the field alone.
  feed.send({ type: 'patch', patch: { jobs: { 7: { tasks: { done: 60 } } } } });
  await untilText('[data-job="7"] .facts', /60 of 200/);
  await field.press('Enter');
  assert.deepEqual(await nextCall(), {
    method: 'POST',
    url: '/api/v1/jobs/7/priority',
    body: '{"priority":-3}',
  });
  await page.locator('[data-job="7"] .error').waitFor({ state: 'hidden' });
});

test('an action that the master refuses says why', async () => {
  await open(snapshot({ 7: runningJob }));
  master.apiAnswer = { status: 409, body: { error: { message: 'job 7: it is over already' } } };
  await button('Pause job 7').click();
  await untilText('[data-job="7"] .error', 'Not paused: job 7: it is over already');
});

test('a job that succeeded offers its receipt, and nothing else', async () => {
  const over = { ...runningJob, state: 'Succeeded' };
  await open(snapshot({ 7: over, 8: { ...over, id: 8, state: 'Failed' } }));
  const receipt = page.getByRole('link', { name: 'Receipt of job 7' });
  const href = await receipt.getAttribute('href');
  assert.equal(href, new URL('/api/v1/jobs/7/receipt', page.url()).href);
  assert.equal(await page.locator('[data-job="7"] button:visible').count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Receipt of job 8' }).count(), 0);
});

test('validation is shown with its cost and with who was proven wrong', async () => {
  const validation = {
    policy: 'adaptive',
    checks: 14,
    audits: 1,
    overhead: 0.07,
    liars: ['lab-1'],
  };
  await open(snapshot({ 7: { ...runningJob, validation } }));
  await untilText('[data-job="7"] .facts', /adaptive · checked 7% more/);
  await untilText('[data-job="7"] .notice.bad', /^1 worker proven wrong: lab-1\./);
});

test('a worker can be drained and given tasks again', async () => {
  const feed = await open(snapshot({}, { 'w-1': lab }));
  await page.getByTitle('12 results in a row confirmed by others').waitFor();
  await button('Drain lab-1').click();
  assert.deepEqual(await nextCall(), {
    method: 'POST',
    url: '/api/v1/workers/w-1/drain',
    body: '',
  });
  feed.send({
    type: 'patch',
    patch: { workers: { 'w-1': { state: 'Draining', drained: true } } },
  });
  await button('Undrain lab-1').click();
  assert.equal((await nextCall()).url, '/api/v1/workers/w-1/undrain');
});

test('a worker in quarantine says why, and can be readmitted', async () => {
  const why = 'job 7 round 0 task 3: another PC came to something else';
  await open(snapshot({}, { 'w-1': { ...lab, state: 'Lost', quarantined: why } }));
  await untilText('#workers .column-state', 'Quarantined');
  await untilText('#workers .quarantine', `quarantined: ${why}`);
  master.apiAnswer = { status: 409, body: { error: { message: 'not now' } } };
  await button('Readmit lab-1').click();
  assert.equal((await nextCall()).url, '/api/v1/workers/w-1/readmit');
  await untilText('#workers-error', 'Not readmitted: not now');
});

test('a worker that is gone has nothing to be done with', async () => {
  await open(snapshot({}, { 'w-1': { ...lab, state: 'Lost' } }));
  await untilText('#workers .column-state', 'Lost');
  assert.equal(await page.locator('#workers button:visible').count(), 0);
});

// The worker page in real Chromium, against a master that does what each test tells it to.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { insecureHost, launchBrowser, pageErrors } from '../support/browser.mjs';
import { MockMaster } from '../support/mock_master.mjs';
import { Pace } from '../support/pace.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {MockMaster} */
let master;
/** @type {import('playwright-core').BrowserContext} */
let context;

before(async () => {
  browser = await launchBrowser();
});
after(() => browser.close());
beforeEach(async () => {
  master = await new MockMaster().start();
  context = await browser.newContext();
});
afterEach(async () => {
  await context.close();
  await master.stop();
});

/** @param {string} [query] */
async function openPage(query = '') {
  const page = await context.newPage();
  await page.goto(`${master.origin}/worker${query}`);
  return page;
}

/** @param {import('playwright-core').Page} page @param {string} title */
async function untilTitle(page, title) {
  await page.waitForFunction(
    (wanted) => document.getElementById('title')?.textContent === wanted,
    title,
  );
}

/** @param {number} value */
function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** @param {number} count @param {number} [bytes] */
function noopTasks(count, bytes = 8) {
  return Array.from({ length: count }, (_, index) => ({
    index,
    inputs: [Buffer.alloc(bytes, index % 251)],
  }));
}

test('opening the page joins, and gives its first right result', async () => {
  const page = await context.newPage();
  const errors = pageErrors(page);
  const going = page.goto(`${master.origin}/worker`);
  const session = (await master.nextSession()).welcome();
  session.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(3) });
  const outcomes = await session.outcomes(1, 3);
  await going;

  assert.deepEqual(
    outcomes.map(({ index, status, bytes }) => [index, status, bytes.toString('hex')]),
    noopTasks(3).map(({ index, inputs }) => [index, 0, inputs[0].toString('hex')]),
  );
  assert.equal(session.hello.kind, 'browser');
  assert.match(session.hello.worker, /^browser-[0-9a-f]{24}$/);
  assert.equal(session.hello.slots, await page.evaluate(() => navigator.hardwareConcurrency));
  await untilTitle(page, 'Waiting for work');
  assert.deepEqual(errors, []);
});

test('two tabs of one browser both compute, each under the id that welcome gave it', async () => {
  await openPage();
  const first = (await master.nextSession()).welcome();
  await openPage();
  const second = (await master.nextSession()).welcome({
    session: 'session-2',
    worker: 'browser-second',
  });
  assert.equal(first.hello.worker, second.hello.worker);
  first.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(2) });
  second.lease({ lease: 2, kernel: 'noop', tasks: noopTasks(2) });
  assert.equal((await first.outcomes(1, 2)).length, 2);
  assert.equal((await second.outcomes(2, 2)).length, 2);

  second.cut();
  const again = await master.nextSession();
  // By its secret the master knows whose tab it is, and by its session which one.
  assert.equal(again.hello.worker, first.hello.worker);
  assert.equal(again.hello.secret, first.hello.secret);
  assert.equal(again.hello.resume, 'session-2');
});

test('a long task never silences the heartbeat, which names its lease and the task', async () => {
  await openPage();
  const session = (await master.nextSession()).welcome();
  session.lease({
    lease: 7,
    job: 3,
    round: 2,
    kernel: 'spin',
    tasks: [{ index: 12, inputs: [u32(1500)] }],
  });
  for (let i = 0; i < 4; ++i) {
    const { header } = await session.next('heartbeat', ({ leases }) => leases.includes(7));
    assert.equal(header.current, 'spin 3/2/12');
    assert.equal(session.untaken('results').length, 0, 'the task is over too soon to tell');
  }
  await session.outcomes(7, 1);
  await session.next('heartbeat', ({ leases }) => leases.length === 0);
});

test('when the master dies and comes back, the page resumes and delivers its results', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  session.lease({ lease: 1, kernel: 'spin', tasks: [{ index: 0, inputs: [u32(600)] }] });
  await session.next('heartbeat', ({ leases }) => leases.includes(1));
  await master.stop();
  await untilTitle(page, 'Master unreachable');

  await master.start();
  const resumed = await master.nextSession();
  assert.equal(resumed.hello.resume, 'session-1');
  resumed.welcome();
  assert.equal((await resumed.outcomes(1, 1))[0].status, 0);
});

test('results that were sent but never confirmed are sent again after a resume', async () => {
  await openPage();
  const session = (await master.nextSession()).welcome({
    heartbeat_seconds: 60,
    silence_seconds: 600,
  });
  session.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(2) });
  await session.outcomes(1, 2);
  session.cut();
  const resumed = (await master.nextSession()).welcome();
  assert.equal((await resumed.outcomes(1, 2)).length, 2);
});

test('a master that has forgotten the session gets nothing of the old leases', async () => {
  await openPage();
  const session = (await master.nextSession()).welcome();
  session.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(2) });
  await session.outcomes(1, 2);
  session.lease({ lease: 2, kernel: 'spin', tasks: [{ index: 0, inputs: [u32(20_000)] }] });
  await session.next('heartbeat', ({ leases }) => leases.includes(2));
  session.cut();
  const other = (await master.nextSession()).welcome({ session: 'session-of-another-life' });
  const { header } = await other.next('heartbeat');
  assert.deepEqual(header.leases, []);
  other.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(1, 16) });
  assert.equal((await other.outcomes(1, 1))[0].bytes.length, 16);
  assert.equal(other.untaken('results').length, 0);
});

test('what was finished while the master was away means nothing to another master', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  session.lease({ lease: 1, kernel: 'spin', tasks: [{ index: 0, inputs: [u32(300)] }] });
  await session.next('heartbeat', ({ leases }) => leases.includes(1));
  await master.stop();
  await page.waitForFunction(() => document.getElementById('tasks-done')?.textContent === '1');
  await master.start();
  const other = (await master.nextSession()).welcome({ session: 'session-of-another-life' });
  other.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(1, 16) });
  assert.equal((await other.outcomes(1, 1))[0].bytes.length, 16);
});

test('a silent master is left and called again', async () => {
  await openPage();
  const session = (await master.nextSession()).welcome({ silence_seconds: 0.6 });
  session.acksHeartbeats = false;
  await session.closed;
  assert.equal((await master.nextSession()).hello.resume, 'session-1');
});

test('cancelling ends an endless task within a second, and its slot computes again', async (t) => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  const slots = Number(session.hello.slots);
  const endless = Array.from({ length: slots }, (_, index) => ({ index, inputs: [u32(1e9)] }));
  session.lease({ lease: 1, kernel: 'spin', tasks: endless });
  await session.next('heartbeat', ({ leases, cpu }) => leases.includes(1) && cpu > 0.5);
  const pace = new Pace(() => page.evaluate(() => 0));
  const revoked = performance.now();
  session.send({ type: 'revoke', lease: 1, reason: 'job_ended' });
  session.lease({ lease: 2, kernel: 'noop', tasks: noopTasks(slots) });
  await session.outcomes(2, slots);
  await pace.checkSince(t, 'the slots came back', revoked, 1);
});

test('pausing is told at once and takes no more work; resuming takes it', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  await untilTitle(page, 'Waiting for work');
  await page.getByRole('button', { name: 'Pause' }).click();
  await session.next('heartbeat', ({ paused }) => paused);
  await untilTitle(page, 'Paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await session.next('heartbeat', ({ paused }) => !paused);
  session.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(1) });
  await session.outcomes(1, 1);
});

test('a pause finishes what is short, and hands back what is long by leaving', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  session.lease({ lease: 1, kernel: 'spin', tasks: [{ index: 0, inputs: [u32(300)] }] });
  session.lease({ lease: 2, kernel: 'spin', tasks: [{ index: 0, inputs: [u32(1e9)] }] });
  await session.next('heartbeat', ({ leases }) => leases.includes(2));
  await page.getByRole('button', { name: 'Pause' }).click();
  await session.outcomes(1, 1);
  await session.next('leave');
  await session.closed;
  await untilTitle(page, 'Paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  assert.equal((await master.nextSession()).hello.resume, '');
});

test('a refused token is asked for, remembered, and sent on the next visit', async () => {
  const page = await openPage('?token=wrong');
  const session = await master.nextSession();
  assert.equal(session.hello.token, 'wrong');
  session.send({ type: 'goodbye', code: 'refused_token', message: 'wrong token', retry: false });
  await untilTitle(page, 'Refused');
  await page.getByLabel('Token of the master').fill('right');
  await page.getByRole('button', { name: 'Join' }).click();
  const joined = (await master.nextSession()).welcome();
  assert.equal(joined.hello.token, 'right');
  await untilTitle(page, 'Waiting for work');
  await page.close();
  await openPage();
  const next = await master.nextSession();
  assert.equal(next.hello.token, 'right');
  assert.equal(next.hello.worker, joined.hello.worker);
});

test('a refusal that says not to come again is shown, and the page stays away', async () => {
  const page = await openPage();
  const session = await master.nextSession();
  const message = 'this master speaks protocol 2';
  session.send({ type: 'goodbye', code: 'refused_protocol', message, retry: false });
  await untilTitle(page, 'Refused');
  assert.match((await page.textContent('#detail')) ?? '', /protocol 2\. Reload this page/);
  assert.equal(await page.isVisible('#retry'), true);
});

test('a PC whose result was proven wrong is told why, and what its owner can do', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  await untilTitle(page, 'Waiting for work');
  const message = 'a result of this worker was proven wrong';
  session.send({ type: 'goodbye', code: 'quarantined', message, retry: false });
  await untilTitle(page, 'In quarantine');
  assert.match(
    (await page.textContent('#detail')) ?? '',
    /^A result of this worker was proven wrong\. .*bad memory or an overclocked PC.*readmit/,
  );
  await page.getByRole('button', { name: 'Try again now' }).click();
  (await master.nextSession()).welcome();
  await untilTitle(page, 'Waiting for work');
});

for (const [what, bytes] of /** @type {[string, Uint8Array | string][]} */ ([
  ['truncated', Buffer.from('0e0000007b22', 'hex')],
  ['not JSON', Buffer.from('020000007b7b', 'hex')],
  ['text', 'hello'],
])) {
  test(`a frame that is ${what} costs the connection and nothing else`, async () => {
    await openPage();
    const session = (await master.nextSession()).welcome();
    session.sendBytes(bytes);
    await session.closed;
    const again = (await master.nextSession()).welcome();
    again.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(1) });
    await again.outcomes(1, 1);
  });
}

test('tasks that fail are reported with their code, and the slots go on', async () => {
  await openPage();
  const session = (await master.nextSession()).welcome();
  const failing = [
    { kernel: 'unheard_of', status: 3, says: /unheard_of/ },
    { kernel: 'exhaust', status: 4, says: /memory/ },
    { kernel: 'trap', status: 9, says: /unreachable/ },
  ];
  for (const [i, { kernel, status, says }] of failing.entries()) {
    session.lease({ lease: i + 1, kernel, tasks: noopTasks(2) });
    for (const outcome of await session.outcomes(i + 1, 2)) {
      assert.equal(outcome.status, status);
      assert.match(outcome.bytes.toString(), says);
    }
  }
  session.lease({ lease: 9, kernel: 'noop', tasks: noopTasks(4) });
  assert.equal((await session.outcomes(9, 4)).length, 4);
});

test('blobs are fetched once for all slots, and put where the inputs name them', async () => {
  const [shared, own] = [Buffer.from('shared '), Buffer.from('own')];
  const [sharedName, ownName] = [shared, own].map((bytes) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    master.blobs.set(sha256, bytes);
    return { sha256, size: bytes.length };
  });
  await openPage();
  const session = (await master.nextSession()).welcome();
  const tasks = [0, 1, 2, 3].map((index) => ({ index, inputs: [Buffer.of(65 + index), ownName] }));
  session.lease({ lease: 1, kernel: 'concat', shared: [sharedName], tasks });
  const outcomes = await session.outcomes(1, 4);
  assert.deepEqual(
    outcomes.map(({ bytes }) => bytes.toString()),
    ['shared Aown', 'shared Bown', 'shared Cown', 'shared Down'],
  );
  assert.deepEqual([...master.blobRequests.values()], [1, 1]);
});

test('a plain office network, which browsers call insecure, is good enough', async () => {
  const bytes = Buffer.from('blob');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  master.blobs.set(sha256, bytes);
  const page = await context.newPage();
  const errors = pageErrors(page);
  await page.goto(`${master.origin.replace('127.0.0.1', insecureHost)}/worker`);
  const session = (await master.nextSession()).welcome();
  const tasks = [{ index: 0, inputs: [{ sha256, size: bytes.length }] }];
  session.lease({ lease: 1, kernel: 'concat', tasks });
  assert.equal((await session.outcomes(1, 1))[0].bytes.toString(), 'blob');
  assert.equal(await page.evaluate(() => isSecureContext), false);
  assert.deepEqual(errors, []);
});

test('a blob that cannot be had fails its tasks as unavailable, naming the blob', async () => {
  const sha256 = 'ab'.repeat(32);
  await openPage();
  const session = (await master.nextSession()).welcome();
  const tasks = [
    { index: 0, inputs: [{ sha256, size: 5 }] },
    { index: 1, inputs: [Buffer.from('inline')] },
  ];
  session.lease({ lease: 1, kernel: 'concat', tasks });
  const [missing, present] = await session.outcomes(1, 2);
  assert.equal(missing.status, 8);
  assert.match(missing.bytes.toString(), new RegExp(`blob ${sha256}: HTTP status 404`));
  assert.equal(present.status, 0);
});

test('without WebAssembly SIMD the page says so, and does not join', async () => {
  await context.addInitScript(() => {
    WebAssembly.validate = () => false;
  });
  const page = await openPage();
  await untilTitle(page, 'This browser cannot take part');
  assert.match((await page.textContent('#detail')) ?? '', /lacks WebAssembly SIMD/);
});

test('the choice of cores is told to the master and remembered', async () => {
  await context.addInitScript(() => {
    Object.defineProperty(navigator, 'hardwareConcurrency', { value: 4 });
  });
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  assert.equal(session.hello.slots, 4);
  await page.getByLabel('Cores to lend').fill('1');
  await session.next('heartbeat', ({ slots }) => slots === 1);
  session.lease({ lease: 1, kernel: 'noop', tasks: noopTasks(20) });
  assert.equal((await session.outcomes(1, 20)).length, 20);
  await page.close();
  await openPage();
  assert.equal((await master.nextSession()).hello.slots, 1);
});

test('a new name greets the master again, under the same session', async () => {
  const page = await openPage();
  (await master.nextSession()).welcome();
  await untilTitle(page, 'Waiting for work');
  await page.getByLabel('Name, as the dashboard shows it').fill('Büro 7');
  await page.getByRole('button', { name: 'Save' }).click();
  const again = await master.nextSession();
  assert.equal(again.hello.name, 'Büro 7');
  assert.equal(again.hello.resume, 'session-1');
});

test('a page that is older than its master loads itself anew, once', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome({ version: '9.9.9' });
  await session.closed;
  (await master.nextSession()).welcome({ version: '9.9.9' });
  await untilTitle(page, 'Waiting for work');
});

test('a page that is closed says that it leaves', async () => {
  const page = await openPage();
  const session = (await master.nextSession()).welcome();
  await untilTitle(page, 'Waiting for work');
  await page.goto('about:blank');
  await session.next('leave');
});

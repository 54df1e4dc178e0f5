// Behind nginx and Caddy, as docs/proxy shows them, below a path: real tabs join and compute, the
// dashboard shows them, and who is one PC is one PC.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { launchBrowser, pageErrors } from '../support/browser.mjs';
import { ask, Cluster } from '../support/cluster.mjs';
import { freePort, startProxy } from '../support/proxy.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

/** @typedef {import('../support/proxy.mjs').ProxyKind} ProxyKind */

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').BrowserContext[]} */
let contexts = [];
/** @type {Cluster | undefined} */
let cluster;
/** @type {import('../support/program.mjs').Program | undefined} */
let proxy;

before(async () => {
  browser = await launchBrowser();
});
after(() => browser?.close());
afterEach(async () => {
  for (const context of contexts) await context.close();
  contexts = [];
  proxy?.kill('SIGTERM');
  await proxy?.ended;
  await cluster?.close();
  proxy = undefined;
  cluster = undefined;
});

/** A master and a proxy in front of it; answers with the URL below which people find the master.
 * @param {ProxyKind} kind @param {boolean} isTrusted */
async function start(kind, isTrusted) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/netcompute`;
  const security = isTrusted ? { trusted_proxies: ['127.0.0.1'], public_url: `${url}/` } : {};
  cluster = await Cluster.start({ config: { security } });
  const master = new URL(cluster.origin).host;
  proxy = await startProxy(kind, { folder: cluster.folder, port, master });
  return { cluster, url };
}

/** In a browser that was never here before. @param {string} url */
async function openPage(url) {
  const context = await browser.newContext();
  contexts.push(context);
  const page = await context.newPage();
  const errors = pageErrors(page);
  await page.goto(url);
  return { page, errors };
}

/** @param {Cluster} master @param {number} count */
function untilTabs(master, count) {
  return master.until('the tabs are there', ({ cluster: now }) => now.workers.browser === count);
}

for (const kind of /** @type {ProxyKind[]} */ (['nginx', 'caddy'])) {
  test(`${kind}: tabs work below a path, and without trust all of them are one PC`, async () => {
    const { cluster: master, url } = await start(kind, false);
    const tabs = [await openPage(`${url}/worker`), await openPage(`${url}/worker`)];
    await untilTabs(master, 2);
    const dashboard = await openPage(`${url}/`);
    await dashboard.page.waitForFunction(
      () => document.getElementById('workers-total')?.textContent === '2',
    );
    const result = await master.run('train', {});
    assert.ok(result.rounds > 0 || result.metrics, JSON.stringify(result).slice(0, 200));

    // Two lying tabs of one PC must not vouch for each other.
    const id = await master.submit('noop', { task_count: 4 }, { validation: 'quorum:2' });
    await master.until(
      'the job waits for another PC',
      ({ jobs }) => jobs[id]?.waiting_for === 'another PC to check',
    );
    const { json: workers } = await ask(master.origin, '/api/v1/workers');
    assert.deepEqual(
      [...new Set(workers.map((/** @type {any} */ one) => one.address))],
      ['proxy 127.0.0.1'],
    );
    await master.startWorker();
    await master.resultOf(id);
    for (const { errors } of [...tabs, dashboard]) assert.deepEqual(errors, []);
  });

  test(`${kind}: with trust each client is who it is, and the URL is the public one`, async () => {
    const { cluster: master, url } = await start(kind, true);
    const { errors } = await openPage(`${url}/worker`);
    await untilTabs(master, 1);
    await master.run('noop', { task_count: 100 });
    // What a client says of itself makes it nobody else.
    const headers = { Forwarded: 'for=198.51.100.7' };
    const far = [
      await RawWorker.join(url, { name: 'far' }, { localAddress: '127.0.0.8', headers }),
      await RawWorker.join(url, { name: 'farther' }, { localAddress: '127.0.0.9' }),
    ];
    const { json: workers } = await ask(master.origin, '/api/v1/workers');
    assert.deepEqual(
      workers.map((/** @type {any} */ one) => one.address),
      ['127.0.0.1', '127.0.0.8', '127.0.0.9'],
    );
    const { json: totals } = await ask(master.origin, '/api/v1/cluster');
    assert.equal(totals.join_url, `${url}/worker`);
    await master.master.until(new RegExp(`^add a PC +${url}/worker$`));
    for (const worker of far) worker.close();
    assert.deepEqual(errors, []);
  });
}

test('a header that nobody trusts makes nobody another PC', async () => {
  cluster = await Cluster.start();
  const headers = { 'X-Forwarded-For': '198.51.100.7' };
  const liar = await RawWorker.join(cluster.origin, { name: 'liar' }, { headers });
  const [worker] = (await cluster.ask('/api/v1/workers')).json;
  assert.equal(worker.address, 'proxy 127.0.0.1');
  liar.close();
});

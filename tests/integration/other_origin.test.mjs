// A page of another site, in real Chromium on the master's own PC: what it posts to the ports for
// native workers is made so that a lenient reader of the first ZeroMQ protocol takes the HTTP
// request for parts of a message, and finds a worker's hello in its body.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { launchBrowser } from '../support/browser.mjs';
import { Cluster } from '../support/cluster.mjs';

const ghosts = 5;
/** @type {Cluster} */
let cluster;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('node:http').Server} */
let site;
let siteOrigin = '';

before(async () => {
  cluster = await Cluster.start();
  browser = await launchBrowser();
  site = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>another site</title>');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', () => resolve(undefined)));
  siteOrigin = `http://localhost:${/** @type {any} */ (site.address()).port}`;
});
after(async () => {
  await browser?.close();
  site?.close();
  await cluster?.close();
});

/** Empty parts wherever the request's own head ends, then a hello. @param {number} number */
function bodyOf(number) {
  const hello = JSON.stringify({
    type: 'hello',
    protocol: 1,
    worker: `ghost-${number}`,
    token: '',
    kind: 'native',
    name: 'ghost',
    version: '0.1.0',
    slots: 1024,
    resume: '',
  });
  const size = Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, hello.length + 1, 1]);
  return Buffer.concat([Buffer.alloc(300, 1), Buffer.from([1, 0, 1, 0]), size, Buffer.from(hello)]);
}

test("nothing joins by what another site's page posts, and nothing is answered", async () => {
  const honest = await cluster.startWorker({ name: 'honest' });
  const page = await browser.newPage();
  await page.goto(siteOrigin);
  const ports = ['task_port', 'result_port', 'heartbeat_port'].map(
    (name) => cluster.endpoints.master[name],
  );
  for (let ghost = 0; ghost < ghosts; ++ghost) {
    const answers = await page.evaluate(
      async ({ targets, body }) => {
        const post = (/** @type {string} */ target) =>
          fetch(target, { method: 'POST', mode: 'no-cors', body: new Uint8Array(body) }).then(
            () => 'answered',
            (error) => String(error),
          );
        return Promise.all(targets.map(post));
      },
      { targets: ports.map((port) => `http://127.0.0.1:${port}/`), body: [...bodyOf(ghost)] },
    );
    for (const answer of answers) assert.equal(answer, 'TypeError: Failed to fetch');
  }
  await cluster.master.until(/closed a connection from 127\.0\.0\.1 to the task port: .*ZMTP 3/);
  await cluster.run('noop', { task_count: 20 });
  const workers = await cluster.workerDocuments();
  assert.deepEqual(
    workers.map(({ name }) => name),
    ['honest'],
  );
  assert.equal(honest.hasEnded, false);
});

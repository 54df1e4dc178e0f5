// A page of another site, in real Chromium on the master's PC, tries every way that a page has to
// reach the master's four ports. It learns nothing, changes nothing and joins nothing.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { insecureHost, launchBrowser } from '../support/browser.mjs';
import { Cluster } from '../support/cluster.mjs';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('node:http').Server} */
let server;
let foreignPort = 0;

before(async () => {
  browser = await launchBrowser();
  server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>foreign</title><body>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  foreignPort = typeof address === 'object' && address ? address.port : 0;
});
after(async () => {
  await browser?.close();
  server?.close();
});

/**
 * Runs in the page: what came of each way to reach an address.
 * @param {{origin: string, socket: string}} target
 */
async function tryEverything({ origin, socket }) {
  const patienceMs = 3000;
  /** @param {Promise<unknown>} attempt */
  const outcome = (attempt) =>
    Promise.race([
      attempt.then(
        (what) => `got ${String(what)}`,
        () => 'refused',
      ),
      // A port that speaks no HTTP may just say nothing.
      new Promise((resolve) => setTimeout(() => resolve('silence'), patienceMs)),
    ]);
  /** @param {string} path @param {RequestInit} [init] */
  const get = async (path, init) => {
    const response = await fetch(origin + path, init);
    return response.type === 'opaque' ? 'opaque' : `${response.status} ${await response.text()}`;
  };
  /** @param {'img' | 'script' | 'iframe' | 'link' | 'object'} tag @param {string} path */
  const embed = (tag, path) =>
    new Promise((resolve, reject) => {
      const made = document.createElement(tag);
      made.onload = () => {
        // Chromium says "load" also of a frame that it has refused; then it is not to be read,
        // and holds an error page.
        if (made instanceof HTMLIFrameElement || made instanceof HTMLObjectElement) {
          try {
            const body = made.contentDocument?.body.textContent ?? '';
            return body === '' ? reject(new Error('empty')) : resolve(body);
          } catch {
            return reject(new Error('not to be read'));
          }
        }
        resolve(`a loaded ${tag}`);
      };
      made.onerror = () => reject(new Error('error'));
      if (made instanceof HTMLLinkElement) {
        made.rel = 'stylesheet';
        made.href = origin + path;
      } else if (made instanceof HTMLObjectElement) {
        made.data = origin + path;
      } else {
        made.src = origin + path;
      }
      document.body.append(made);
    });
  /** @param {string} path */
  const connect = (path) =>
    new Promise((resolve, reject) => {
      const made = new WebSocket(socket + path);
      made.onopen = () => resolve('an open socket');
      made.onerror = () => reject(new Error('error'));
    });
  /** A form of its own target, sent as a page may send one anywhere. @param {string} path */
  const submit = async (path) => {
    const frame = document.createElement('iframe');
    frame.name = 'sink';
    const form = document.createElement('form');
    Object.assign(form, { method: 'post', action: origin + path, target: 'sink' });
    form.enctype = 'text/plain';
    const input = document.createElement('input');
    input.name = '{"type":"noop","name":"';
    input.value = '"}';
    form.append(input);
    document.body.append(frame, form);
    form.submit();
    await new Promise((resolve) => (frame.onload = resolve));
    throw new Error('a form has no answer');
  };
  const job = '{"type": "noop"}';
  const json = { 'Content-Type': 'application/json' };
  const hello = `\x01\x00\x05\x00{"type":"hello"}`;
  /** @type {Record<string, Promise<unknown>>} */
  const ways = {
    cors: get('/api/v1/cluster'),
    'cors with credentials': get('/api/v1/jobs', { credentials: 'include' }),
    'no-cors': get('/api/v1/jobs', { mode: 'no-cors' }),
    'no-cors page': get('/', { mode: 'no-cors' }),
    'simple post': get('/api/v1/jobs', { method: 'POST', mode: 'no-cors', body: job }),
    'cors post': get('/api/v1/jobs', { method: 'POST', headers: json, body: job }),
    delete: get('/api/v1/jobs/1', { method: 'DELETE' }),
    'post of frames': get('/', { method: 'POST', mode: 'no-cors', body: hello }),
    img: embed('img', '/web/icon.svg'),
    script: embed('script', '/web/format.js'),
    style: embed('link', '/web/style/base.css'),
    iframe: embed('iframe', '/'),
    'iframe of the API': embed('iframe', '/api/v1/jobs'),
    object: embed('object', '/web/icon.svg'),
    'worker socket': connect('/ws/worker'),
    'dashboard socket': connect('/ws/dashboard'),
    form: submit('/api/v1/jobs'),
    beacon: Promise.resolve(navigator.sendBeacon(`${origin}/api/v1/jobs`, job)).then(() => {
      throw new Error('a beacon has no answer');
    }),
  };
  /** @type {Record<string, unknown>} */
  const outcomes = {};
  for (const [name, attempt] of Object.entries(ways)) outcomes[name] = outcome(attempt);
  for (const name of Object.keys(outcomes)) outcomes[name] = await outcomes[name];
  return outcomes;
}

for (const [title, host] of [
  ['of this PC, on another port', '127.0.0.1'],
  ['of another name', insecureHost],
]) {
  test(`a page ${title} reaches nothing`, async (t) => {
    const cluster = await Cluster.start();
    t.after(() => cluster.close());
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://${host}:${foreignPort}/`);
    const { dashboard, master } = cluster.endpoints;
    for (const [name, port] of Object.entries({ web: dashboard.port, ...master })) {
      if (name === 'ip') continue;
      const target = { origin: `http://127.0.0.1:${port}`, socket: `ws://127.0.0.1:${port}` };
      const outcomes = await page.evaluate(tryEverything, target);
      for (const [way, what] of Object.entries(outcomes)) {
        // An opaque answer tells a page nothing, not even whether it is an error.
        const nothing = what === 'refused' || what === 'got opaque' || what === 'silence';
        assert.ok(nothing, `${way} to ${name}: ${String(what).slice(0, 200)}`);
      }
    }
    await context.close();
    assert.deepEqual((await cluster.ask('/api/v1/jobs')).json, [], 'it has made no job');
    assert.deepEqual(await cluster.workerDocuments(), [], 'it has joined nothing');
    await cluster.startWorker();
    await cluster.run('noop', { task_count: 10 });
  });
}

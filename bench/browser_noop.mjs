/**
 * What one tab of Chromium does with tasks that do nothing, beside what a plain WebSocket echo of
 * the same bytes does from the same browser in the same minutes; and how long it takes from opening
 * the worker page to its first result.
 *
 *   node bench/browser_noop.mjs [--build FOLDER] [--passes N] [--tasks N] [--quick]
 */

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, existsSync, writeFileSync, openSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launchBrowser } from '../tests/support/browser.mjs';

const payloadBytes = 64;
const { values: options } = parseArgs({
  options: {
    build: { type: 'string', default: new URL('../build', import.meta.url).pathname },
    passes: { type: 'string', default: '5' },
    tasks: { type: 'string', default: '500000' },
    quick: { type: 'boolean', default: false },
    'require-goals': { type: 'boolean', default: false },
  },
});
const passes = options.quick ? 1 : Number(options.passes);
const taskCount = options.quick ? 5000 : Number(options.tasks);
const echoSeconds = options.quick ? 0.3 : 2;
const programs = path.join(options.build, 'bin');

/** @type {Map<string, {unit: string, values: number[]}>} */
const series = new Map();

/** @param {string} name @param {string} unit @param {number} value */
function add(name, unit, value) {
  const one = series.get(name) ?? { unit, values: [] };
  one.values.push(value);
  series.set(name, one);
  console.log(JSON.stringify({ case: name, value, unit, load: loadavg()[0] }));
}

/** @param {string} name */
function median(name) {
  const values = [...(series.get(name)?.values ?? [])].sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

/** @param {number} milliseconds */
function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @param {import('node:child_process').ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

class Master {
  /** @param {string} folder */
  constructor(folder) {
    this.endpointsFile = path.join(folder, 'state', 'endpoints.json');
    const config = path.join(folder, 'config.json');
    writeFileSync(
      config,
      JSON.stringify({
        master: { task_port: 0, result_port: 0, heartbeat_port: 0 },
        dashboard: { port: 0 },
      }),
    );
    const log = openSync(path.join(folder, 'master.log'), 'a');
    this.process = spawn(
      path.join(programs, 'netcompute-master'),
      ['--mode', 'serve', '--config', config],
      { cwd: folder, stdio: ['ignore', log, log] },
    );
    this.url = '';
  }

  async ready() {
    while (!existsSync(this.endpointsFile)) {
      if (this.process.exitCode !== null) throw new Error('the master has ended');
      await sleep(10);
    }
    const { dashboard } = JSON.parse(readFileSync(this.endpointsFile, 'utf8'));
    this.url = `http://127.0.0.1:${dashboard.port}`;
  }

  /** @param {string} target @param {RequestInit} [request] */
  async ask(target, request) {
    const response = await fetch(this.url + target, request);
    if (!response.ok) throw new Error(`${target}: ${response.status}: ${await response.text()}`);
    return response.json();
  }

  /** @param {number} count of tasks @returns {Promise<number>} the job's id */
  async submit(count) {
    const params = { task_count: count, payload_bytes: payloadBytes };
    const body = JSON.stringify({ type: 'noop', params });
    return (await this.ask('/api/v1/jobs', { method: 'POST', body })).id;
  }

  /** @param {number} id @param {number} count of tasks that it must have done */
  async finished(id, count) {
    for (;;) {
      const job = await this.ask(`/api/v1/jobs/${id}?wait=60`);
      if (job.state === 'Running' || job.state === 'Queued') continue;
      if (job.state === 'Succeeded' && job.tasks.done === count) return job;
      throw new Error(`the job did not succeed: ${JSON.stringify(job)}`);
    }
  }

  async withoutWorkers() {
    while ((await this.ask('/api/v1/cluster')).workers.connected > 0) await sleep(20);
  }
}

/**
 * Runs in a page: messages there and back in a second, `window` of them in flight.
 * @param {{port: number, bytes: number, window: number, seconds: number}} request
 * @returns {Promise<number>}
 */
async function echoRate({ port, bytes, window, seconds }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error('no echo server'));
  });
  const message = new Uint8Array(bytes).fill(7);
  let back = 0;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      if (data.byteLength !== bytes) reject(new Error('a wrong echo'));
      ++back;
      const passed = (performance.now() - started) / 1000;
      if (passed < seconds) return socket.send(message);
      socket.onmessage = null;
      socket.close();
      resolve(back / passed);
    };
    for (let i = 0; i < window; ++i) socket.send(message);
  });
}

/** @param {import('playwright-core').Browser} browser @param {number} port */
async function measureEcho(browser, port) {
  const page = await browser.newPage();
  for (const window of [1, 64]) {
    const request = { port, bytes: payloadBytes, window, seconds: echoSeconds };
    const rate = await page.evaluate(echoRate, request);
    add(`WebSocket echo from a page, ${window} in flight`, 'messages/s', rate);
  }
  await page.close();
}

/** @param {import('playwright-core').Browser} browser @param {Master} master */
async function measureRate(browser, master) {
  const page = await browser.newPage();
  await page.goto(`${master.url}/worker`);
  await master.finished(await master.submit(taskCount / 10), taskCount / 10);
  const started = performance.now();
  await master.finished(await master.submit(taskCount), taskCount);
  add('noop 64 B, one tab', 'tasks/s', taskCount / ((performance.now() - started) / 1000));
  await page.close();
  await master.withoutWorkers();
}

/**
 * From asking for the page until the master has the tab's first result.
 * @param {import('playwright-core').BrowserContext} context @param {Master} master
 * @param {string} name
 */
async function measureOpening(context, master, name) {
  const job = await master.submit(1);
  const page = await context.newPage();
  const started = performance.now();
  const opened = page.goto(`${master.url}/worker`);
  await master.finished(job, 1);
  add(name, 's', (performance.now() - started) / 1000);
  await opened;
  await page.close();
  await master.withoutWorkers();
}

/** @returns {Promise<boolean>} whether every goal is met */
async function printTable() {
  /** @type {Record<string, (name: string) => boolean>} */
  const goals = {
    'noop 64 B, one tab': (name) => median(name) >= 10_000,
    [opening.cold]: (name) => Math.max(...(series.get(name)?.values ?? [])) < 2,
    [opening.warm]: (name) => Math.max(...(series.get(name)?.values ?? [])) < 2,
  };
  const raw = median('WebSocket echo from a page, 64 in flight');
  let allMet = true;
  console.log();
  for (const [name, { unit, values }] of series) {
    const verdict = goals[name] ? (goals[name](name) ? 'goal met' : 'goal MISSED') : '';
    allMet &&= verdict !== 'goal MISSED';
    const digits = unit === 's' ? 3 : 0;
    const ratio = unit === 's' ? '' : `ratio ${(median(name) / raw).toFixed(2)}`;
    const figures = [median(name), Math.min(...values), Math.max(...values)];
    const [middle, lowest, highest] = figures.map((figure) => figure.toFixed(digits));
    console.log(
      `${name.padEnd(50)} ${middle.padStart(9)} ${unit.padEnd(11)}`,
      `${lowest} .. ${highest}`.padStart(20),
      ratio.padStart(12),
      verdict,
    );
  }
  console.log(`load average ${loadavg()[0].toFixed(2)}`);
  return allMet;
}

const opening = {
  cold: 'opening the page to first result, fresh browser',
  warm: 'opening the page to first result, warm cache',
};
const folder = mkdtempSync(path.join(tmpdir(), 'netcompute-bench-'));
const master = new Master(folder);
const echo = spawn(path.join(programs, 'netcompute_ws_echo'), [], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  const port = Number(await new Promise((resolve) => echo.stdout.once('data', resolve)));
  await master.ready();
  for (let pass = 0; pass < passes; ++pass) {
    const browser = await launchBrowser();
    const context = await browser.newContext();
    await measureOpening(context, master, opening.cold);
    await measureOpening(context, master, opening.warm);
    await measureEcho(browser, port);
    await measureRate(browser, master);
    await browser.close();
  }
  const met = await printTable();
  if (options['require-goals'] && !met) process.exitCode = 1;
} finally {
  await end(echo);
  await end(master.process);
  rmSync(folder, { recursive: true, force: true });
}

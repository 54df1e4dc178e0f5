/**
 * Makes the pictures of README.md: docs/dashboard.png and docs/worker.png, from a real master, two
 * native workers and a tab. Needs a build and `npm ci` (./test.sh leaves both), and Chromium.
 *
 *   node scripts/screenshots.mjs
 */

import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { launchBrowser } from '../tests/support/browser.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'netcompute-screenshots-'));
/** @type {import('node:child_process').ChildProcess[]} */
const started = [];

/** @param {string} program @param {string[]} given */
function start(program, ...given) {
  const child = spawn(join(root, 'build/bin', program), given, {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_STATE_HOME: join(folder, given.at(-1) ?? '') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  return child;
}

/** @param {string} url @param {object} [body] */
async function call(url, body) {
  const response = await fetch(url, body && { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Starts a master on free ports, and two native workers. @returns {Promise<string>} its URL */
async function startCluster() {
  mkdirSync(join(folder, 'Data'));
  for (const name of ['train.csv', 'test.csv', 'test_labels.csv']) {
    cpSync(join(root, 'Data', name), join(folder, 'Data', name));
  }
  const ports = { task_port: 0, result_port: 0, heartbeat_port: 0 };
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify({ master: ports, dashboard: { port: 0 } }));
  const master = start('netcompute-master', '--mode', 'serve', '--config', config);
  await new Promise((resolve, reject) => {
    master.stdout?.once('data', resolve);
    master.once('exit', () => reject(new Error('the master did not start; it has said why')));
  });
  const endpoints = join(folder, 'state/endpoints.json');
  for (const name of ['front-desk', 'meeting-room']) {
    start('netcompute-worker', '--config', endpoints, '--slots', '1', '--name', name);
  }
  return `http://127.0.0.1:${JSON.parse(readFileSync(endpoints, 'utf8')).dashboard.port}`;
}

/** @param {string} url @param {string} type @param {object} params */
async function runJob(url, type, params) {
  const { id } = await call(`${url}/api/v1/jobs`, { type, params });
  const job = await call(`${url}/api/v1/jobs/${id}?wait=60`);
  if (job.state !== 'Succeeded') throw new Error(`job ${id} (${type}) is ${job.state}`);
}

/** @param {string} url */
async function takePictures(url) {
  const browser = await launchBrowser();
  try {
    const size = { width: 1200, height: 900 };
    const worker = await browser.newPage({ viewport: { width: 760, height: 640 } });
    await worker.goto(`${url}/worker`);
    await worker.locator('#name').fill('Chromium on the second floor');
    await worker.locator('#name').press('Enter');
    const dashboard = await browser.newPage({ viewport: size });
    await dashboard.goto(url);
    await dashboard.locator('#workers tr').nth(2).waitFor();
    await runJob(url, 'train', { data: 'Data/train.csv' });
    await call(`${url}/api/v1/jobs`, {
      type: 'monte_carlo_pi',
      params: { samples: 40_000_000_000, seed: 1 },
    });
    // A third of the way, rates, curve and time left have become steady.
    await dashboard.locator('#jobs').getByText(/^3\d%$/).waitFor({ timeout: 120_000 });
    await worker.locator('#name').blur();
    await worker.bringToFront();
    await worker.screenshot({ path: join(root, 'docs/worker.png') });
    await dashboard.bringToFront();
    await dashboard.screenshot({ path: join(root, 'docs/dashboard.png'), fullPage: true });
  } finally {
    await browser.close();
  }
}

try {
  await takePictures(await startCluster());
} finally {
  const ends = started.map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of started.reverse()) child.kill('SIGTERM');
  await Promise.all(ends);
  rmSync(folder, { recursive: true });
}

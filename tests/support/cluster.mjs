/** A real master in a folder of its own, with real workers. */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Feed } from './feed.mjs';
import { patience } from './patience.mjs';
import { Program, runProgram } from './program.mjs';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const binaryFolder = process.env.NETCOMPUTE_BINARY_DIR ?? path.join(repository, 'build');
export const masterProgram = path.join(binaryFolder, 'bin/netcompute-master');
export const workerProgram = path.join(binaryFolder, 'bin/netcompute-worker');
const tableProgram = path.join(binaryFolder, 'bin/netcompute_generate_csv');
const referenceProgram = path.join(binaryFolder, 'bin/netcompute_reference');

const jobSecondsMax = 120 * patience;

/**
 * @typedef {{status: number, headers: import('node:http').IncomingHttpHeaders, text: string,
 *            json: any}} Answer
 * @typedef {{method?: string, headers?: Record<string, string>, body?: unknown}} Asking
 * @typedef {{config?: Record<string, any>, args?: string[], prepare?: (folder: string) => unknown,
 *            serves?: boolean}} ClusterOptions
 * @typedef {{config?: string, name?: string, slots?: number, args?: string[],
 *            joins?: boolean, within?: string[], state?: string}} WorkerOptions
 */

/** Every port a free one. @param {Record<string, any>} [more] */
export function freePorts(more = {}) {
  return {
    master: { ip: '127.0.0.1', task_port: '0', result_port: '0', heartbeat_port: '0' },
    dashboard: { host: '127.0.0.1', port: '0' },
    ...more,
  };
}

/** A new folder with Data/ as shipped; the caller removes it. */
export function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), 'netcompute-test-'));
  mkdirSync(path.join(folder, 'Data'));
  for (const name of ['train.csv', 'test.csv', 'test_labels.csv']) {
    cpSync(path.join(repository, 'Data', name), path.join(folder, 'Data', name));
  }
  return folder;
}

/** @param {string} folder @param {string} name @param {unknown} document */
export function writeJson(folder, name, document) {
  writeFileSync(path.join(folder, name), JSON.stringify(document));
}

/** Invented passengers, the same for the same arguments.
 * @param {string} file @param {number} rows @param {number} seed @param {string[]} [args] */
export async function generateTable(file, rows, seed, args = []) {
  const { code, stderr } = await runProgram(tableProgram, [
    String(rows),
    String(seed),
    file,
    ...args,
  ]);
  assert.equal(code, 0, stderr);
}

/** The SHA-256 that a job's result must have: computed in one process.
 * @param {string} type @param {object} params of the job; its paths may lead anywhere */
export async function referenceSha256(type, params) {
  const job = [type, JSON.stringify(params)];
  const { code, stdout, stderr } = await runProgram(referenceProgram, job);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

/** One HTTP request, its path sent as it is.
 * @param {string} origin @param {string} target @param {Asking} [asking]
 * @returns {Promise<Answer>} */
export function ask(origin, target, { method = 'GET', headers = {}, body } = {}) {
  const { hostname, port } = new URL(origin);
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path: target, method, headers, agent: false, timeout: 90_000 },
      (response) => {
        let answer = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (answer += part));
        response.on('error', reject);
        response.on('end', () => {
          const isJson = String(response.headers['content-type']).startsWith('application/json');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            json: isJson && answer !== '' ? JSON.parse(answer) : null,
          });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`${method} ${target}: no answer`)));
    request.on('error', reject);
    request.end(text);
  });
}

export class Cluster {
  /** @type {Program} */
  master;
  /** @type {Program[]} every worker that was started, dead ones too */
  workers = [];
  origin = '';
  /** @type {any} */
  endpoints = null;
  #args;
  #token;
  #masterMayEnd = false;

  /** @param {string} folder @param {ClusterOptions} options */
  constructor(folder, { config = {}, args = ['--mode', 'serve'] }) {
    this.folder = folder;
    this.#args = args;
    this.#token = config.security?.join_token ?? '';
    writeJson(folder, 'config.json', freePorts(config));
    this.master = this.#spawnMaster(args);
  }

  /** @param {ClusterOptions} [options] */
  static async start(options = {}) {
    const folder = makeFolder();
    await options.prepare?.(folder);
    const cluster = new Cluster(folder, options);
    try {
      await cluster.#becomeReady();
    } catch (error) {
      await cluster.close({ masterMayEnd: true });
      throw error;
    }
    return cluster;
  }

  /** @param {string[]} args */
  #spawnMaster(args) {
    return new Program(masterProgram, ['--config', 'config.json', ...args], { cwd: this.folder });
  }

  async #becomeReady() {
    await this.master.until(/^add a PC/);
    this.endpoints = JSON.parse(
      readFileSync(path.join(this.folder, 'state/endpoints.json'), 'utf8'),
    );
    this.origin = `http://127.0.0.1:${this.endpoints.dashboard.port}`;
    writeJson(this.folder, 'worker.json', this.#reachable());
  }

  /** A configuration with the real ports, and the token where there is one. */
  #reachable() {
    const security = this.#token ? { security: { join_token: this.#token } } : {};
    return { ...this.endpoints, ...security };
  }

  /** @param {string} name */
  file(name) {
    return path.join(this.folder, name);
  }

  /** @param {string} name */
  read(name) {
    return readFileSync(this.file(name), 'utf8');
  }

  /** The master dies without a word. */
  async killMaster() {
    this.#masterMayEnd = true;
    this.master.kill('SIGKILL');
    await this.master.ended;
  }

  /** Another master, on the ports that the one before had. @param {string[]} [args] */
  async restartMaster(args = this.#args) {
    this.beginMaster(args);
    await this.#becomeReady();
  }

  /** Likewise, without waiting for anything. @param {string[]} [args] */
  beginMaster(args = this.#args) {
    writeJson(this.folder, 'config.json', this.#reachable());
    this.master = this.#spawnMaster(args);
    this.#masterMayEnd = false;
  }

  /**
   * Starts a native worker and, unless told otherwise, awaits that it has joined.
   * @param {WorkerOptions} [options]
   */
  async startWorker({
    config = 'worker.json',
    name,
    slots = 1,
    args = [],
    joins = true,
    within = [],
    state = 'worker-state',
  } = {}) {
    const title = name ?? `pc-${this.workers.length + 1}`;
    const [file, ...before] = [...within, workerProgram];
    const worker = new Program(
      file,
      [...before, '--config', config, '--slots', String(slots), '--name', title, ...args],
      { cwd: this.folder, env: { XDG_STATE_HOME: this.file(state) } },
    );
    this.workers.push(worker);
    if (joins) await worker.until(/joined the master/);
    return worker;
  }

  /** @param {number} count @param {WorkerOptions} [options] */
  startWorkers(count, options) {
    return Promise.all(Array.from({ length: count }, () => this.startWorker(options)));
  }

  /** @param {string} target @param {Asking} [asking] */
  ask(target, asking) {
    return ask(this.origin, target, asking);
  }

  /** What every worker that is known has done. @returns {Promise<any[]>} */
  async workerDocuments() {
    return (await this.ask('/api/v1/workers')).json;
  }

  /**
   * @param {string} type @param {object} [params] @param {object} [more]
   * @returns {Promise<number>}
   */
  async submit(type, params = {}, more = {}) {
    const headers = this.#token ? { Authorization: `Bearer ${this.#token}` } : undefined;
    const body = { type, params, ...more };
    const answer = await this.ask('/api/v1/jobs', { method: 'POST', headers, body });
    assert.equal(answer.status, 201, answer.text);
    return answer.json.id;
  }

  /** The job once it is over. @param {number} id @returns {Promise<any>} */
  async whenOver(id) {
    for (const until = Date.now() + jobSecondsMax * 1000; Date.now() < until;) {
      const { json } = await this.ask(`/api/v1/jobs/${id}?wait=30`);
      if (!['Queued', 'Running', 'Paused'].includes(json.state)) return json;
    }
    throw new Error(
      `job ${id} did not end in ${jobSecondsMax} s; the master:\n${this.master.tail()}`,
    );
  }

  /** Its result; the test fails where the job does. @param {number} id @returns {Promise<any>} */
  async resultOf(id) {
    const job = await this.whenOver(id);
    assert.equal(job.state, 'Succeeded', JSON.stringify(job.error));
    return job.result;
  }

  /** @param {string} type @param {object} [params] */
  async run(type, params) {
    return this.resultOf(await this.submit(type, params));
  }

  /**
   * Waits, with the dashboard's feed, until something is so; answers what `look` found.
   * @template T
   * @param {string} what for the message of a test that waited in vain
   * @param {(state: any) => T} look
   */
  async until(what, look) {
    const feed = this.openFeed();
    try {
      return await feed.until(what, look);
    } catch (error) {
      throw new Error(`${error}; the master:\n${this.master.tail()}`);
    } finally {
      feed.close();
    }
  }

  /** Begins with a snapshot of now; the caller closes it. */
  openFeed() {
    const query = this.#token ? `?token=${this.#token}` : '';
    return new Feed(`${this.origin.replace('http', 'ws')}/ws/dashboard${query}`);
  }

  /**
   * Ends everything. A master that ended by itself fails the test.
   * @param {{masterMayEnd?: boolean, beforeRemoval?: () => unknown}} [options]
   */
  async close({ masterMayEnd = this.#masterMayEnd, beforeRemoval } = {}) {
    const died = this.master.hasEnded && !masterMayEnd ? this.master : null;
    await this.#endPrograms();
    await beforeRemoval?.();
    rmSync(this.folder, { recursive: true, force: true });
    if (died) throw new Error(`the master ended by itself:\n${died.tail()}`);
  }

  async #endPrograms() {
    const programs = [this.master, ...this.workers];
    for (const program of programs) program.kill('SIGKILL');
    await Promise.all(programs.map((program) => program.ended));
  }
}

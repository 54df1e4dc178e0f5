/** The jobs whose results must be the same bits on every cluster, and what those bits are. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { generateTable, referenceSha256, repository } from '../support/cluster.mjs';

/** @typedef {import('../support/cluster.mjs').Cluster} Cluster */

const samplesPerTask = 2 ** 22;
const largeRows = 50_000;
/** Where one training's results go, so that several may run at a time. @param {string} tag */
function trainingFiles(tag) {
  return { model: `Data/model_${tag}.json`, output: `Data/submission_${tag}.csv` };
}

/** @param {Cluster} cluster @param {string} name */
function fileSha256(cluster, name) {
  return createHash('sha256').update(cluster.read(name)).digest('hex');
}

/** The tables and the results that a single process computes from them; made once a file. */
export class Workload {
  #folder = mkdtempSync(path.join(tmpdir(), 'netcompute-workload-'));
  /** @type {Record<string, string>} each job's SHA-256 */
  expected = {};
  /** @type {Record<string, string> | null} the files of the first run, for all that follow */
  #files = null;
  #trainings = 0;

  /** @param {{piTasks: number}} size enough that each worker gets some */
  constructor({ piTasks }) {
    this.piParams = { samples: piTasks * samplesPerTask - 1, seed: 20_240_229 };
  }

  async prepare() {
    await generateTable(path.join(this.#folder, 'large.csv'), largeRows, 7);
    await generateTable(path.join(this.#folder, 'large_test.csv'), largeRows, 8, [
      '--without-target',
    ]);
    const data = path.join(repository, 'Data/train.csv');
    this.expected.titanic = await referenceSha256('train', { data });
    const large = path.join(this.#folder, 'large.csv');
    this.expected.large = await referenceSha256('train', { data: large });
    this.expected.pi = await referenceSha256('monte_carlo_pi', this.piParams);
  }

  /** For Cluster.start(): puts the tables where jobs find them. */
  install = (/** @type {string} */ folder) => {
    for (const name of ['large.csv', 'large_test.csv']) {
      cpSync(path.join(this.#folder, name), path.join(folder, 'Data', name));
    }
  };

  /** Runs every job, one after the other, and compares what comes out. @param {Cluster} cluster */
  async check(cluster) {
    const results = {
      titanic: await cluster.run('train', trainingFiles('titanic')),
      titanicTest: await cluster.run('predict', {
        model: 'Data/model_titanic.json',
        output: 'Data/submission_titanic_test.csv',
      }),
      large: await cluster.run('train', { data: 'Data/large.csv', ...trainingFiles('large') }),
      largeTest: await cluster.run('predict', {
        data: 'Data/large_test.csv',
        model: 'Data/model_large.json',
        output: 'Data/submission_large_test.csv',
      }),
      pi: await cluster.run('monte_carlo_pi', this.piParams),
    };
    await this.#expectPredictions(cluster);
    assert.deepEqual(
      {
        titanic: results.titanic.model_sha256,
        titanicTest: results.titanicTest.result_sha256,
        large: results.large.model_sha256,
        largeTest: results.largeTest.result_sha256,
        pi: results.pi.result_sha256,
      },
      this.expected,
    );
    assert.equal(results.titanicTest.model_sha256, this.expected.titanic);
    this.#expectFiles(cluster);
  }

  /** Submits many jobs at a time. @param {Cluster} cluster */
  async submitMany(cluster) {
    const jobs = [];
    for (let i = 0; i < 3; ++i) {
      const tag = ++this.#trainings;
      const large = { data: 'Data/large.csv', ...trainingFiles(`large_${tag}`) };
      const titanic = trainingFiles(`titanic_${tag}`);
      const pi = await cluster.submit('monte_carlo_pi', this.piParams);
      jobs.push({ id: pi, sha256: this.expected.pi });
      jobs.push({ id: await cluster.submit('train', large), sha256: this.expected.large });
      jobs.push({ id: await cluster.submit('train', titanic), sha256: this.expected.titanic });
    }
    return jobs;
  }

  /** @param {Cluster} cluster @param {{id: number, sha256: string}[]} jobs */
  async checkMany(cluster, jobs) {
    for (const { id, sha256 } of jobs) {
      const result = await cluster.resultOf(id);
      assert.equal(result.model_sha256 ?? result.result_sha256, sha256);
    }
  }

  /** What predictions must be depends on a model, so the first trained one gives the reference.
   * @param {Cluster} cluster */
  async #expectPredictions(cluster) {
    if (this.expected.titanicTest) return;
    for (const [key, table] of [
      ['titanic', 'test'],
      ['large', 'large_test'],
    ]) {
      const model = cluster.file(`Data/model_${key}.json`);
      const data = cluster.file(`Data/${table}.csv`);
      this.expected[`${key}Test`] = await referenceSha256('predict', { model, data });
    }
  }

  /** @param {Cluster} cluster */
  #expectFiles(cluster) {
    /** @type {Record<string, string>} */
    const files = {};
    for (const name of [
      'model_titanic.json',
      'submission_titanic.csv',
      'model_large.json',
      'submission_titanic_test.csv',
      'submission_large.csv',
      'submission_large_test.csv',
    ]) {
      files[name] = fileSha256(cluster, `Data/${name}`);
    }
    this.#files ??= files;
    assert.deepEqual(files, this.#files);
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Everyone who is connected has computed something that counts.
 * @param {Cluster} cluster @param {number} count @param {string} [kind] */
export async function assertTookPart(cluster, count, kind = 'native') {
  const workers = (await cluster.workerDocuments()).filter(
    (worker) => worker.state !== 'Lost' && worker.kind === kind,
  );
  assert.equal(workers.length, count, `${kind} workers that are connected`);
  for (const { name, tasks_processed } of workers)
    assert.ok(tasks_processed > 0, `${name} did nothing`);
}

/** Numbers 0..1, the same for the same seed. @param {number} seed */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Makes trouble while jobs run, after a random number of finished tasks, again and again. Where
 * the jobs are over too soon for it, it submits them anew.
 * @template Job
 * @param {Cluster} cluster
 * @param {{times: number, random: () => number, submit: () => Promise<Job[]>,
 *          makeTrouble: () => Promise<void>}} plan
 * @returns {Promise<Job[]>} what was submitted
 */
export async function disturb(cluster, { times, random, submit, makeTrouble }) {
  const jobs = await submit();
  for (let made = 0; made < times;) {
    const { tasks_done: done } = (await cluster.ask('/api/v1/cluster')).json;
    const due = done + 20 + Math.floor(60 * random());
    const moment = await cluster.until(`${due} tasks are done, or all jobs`, ({ cluster: now }) =>
      now.jobs_live === 0 ? 'too late' : now.tasks_done >= due && 'now',
    );
    if (moment === 'now') {
      await makeTrouble();
      ++made;
    } else {
      jobs.push(...(await submit()));
    }
  }
  return jobs;
}

/**
 * The state tree of the dashboard, made from the feed's messages. Pure.
 *
 * The feed sends ages ("last seen 3 s ago") as they were when it sent them. Here each is stored
 * with the time at which it arrived, so that the page can keep counting between two patches.
 *
 * @typedef {{seconds: number, at: number}} Age `at` in milliseconds of this page's clock
 *
 * @typedef {{native?: number, browser?: number, by_state?: Record<string, number>}} WorkerCounts
 * @typedef {{version?: string, uptime?: Age, workers?: WorkerCounts, slots?: number,
 *            tasks_per_second?: number, tasks_done?: number, join_url?: string}} Cluster
 * @typedef {{id: string | number, name?: string, kind?: string, slots?: number, state?: string,
 *            cpu?: number, memory?: number, tasks_processed?: number, processing_rate?: number,
 *            current_task?: string, uptime?: Age, last_seen?: Age, validated?: number,
 *            quarantined?: string, drained?: boolean}} Worker
 * @typedef {{id: string | number, type?: string, name?: string, state?: string, phase?: string,
 *            waiting_for?: string, tasks?: {total?: number, done?: number, failed?: number},
 *            round?: number, rate?: number, elapsed?: Age, eta?: Age, result?: unknown,
 *            error?: unknown, notes?: unknown, submitted_at?: unknown, priority?: number,
 *            validation?: unknown, deadline_seconds?: number, paused_because?: string}} Job
 * @typedef {{cluster: Cluster, workers: Record<string, Worker>, jobs: Record<string, Job>}} State
 */

import { isObject, mergePatch } from './merge_patch.js';

/** The fields that are ages; `eta` counts down. */
const clusterAges = ['uptime'];
const workerAges = ['uptime', 'last_seen'];
const jobAges = ['elapsed', 'eta'];

/** @type {State} */
export const emptyState = Object.freeze({ cluster: {}, workers: {}, jobs: {} });

/**
 * @param {State} state
 * @param {unknown} message of the feed, parsed
 * @param {number} now in milliseconds
 * @returns {State}
 * @throws {Error} for a message that is neither a snapshot nor a patch
 */
export function fold(state, message, now) {
  const { type, state: snapshot, patch } = /** @type {Record<string, unknown>} */ (message ?? {});
  if (type === 'snapshot') {
    return asState(mergePatch(emptyState, withAges(snapshot, undefined, now)));
  }
  if (type === 'patch') {
    return asState(mergePatch(state, withAges(patch, grown(state.cluster.uptime, now), now)));
  }
  throw new Error(`the feed sent ${JSON.stringify(type)}, neither a snapshot nor a patch`);
}

/** @param {unknown} tree @returns {State} */
function asState(tree) {
  const state = /** @type {State} */ ({ ...emptyState, .../** @type {object} */ (tree) });
  return { ...state, workers: named(state.workers), jobs: named(state.jobs) };
}

/**
 * Every entry with its `id`; where the feed leaves it out, it is the entry's key.
 * @template {{id: string | number}} T
 * @param {Record<string, T>} entries
 * @returns {Record<string, T>}
 */
function named(entries) {
  if (Object.values(entries).every((entry) => entry.id !== undefined)) return entries;
  return Object.fromEntries(
    Object.entries(entries).map(([id, entry]) => [
      id,
      entry.id === undefined ? { ...entry, id } : entry,
    ]),
  );
}

/**
 * @param {unknown} tree a state, or a patch of one
 * @param {number | undefined} uptime of the master, used if the tree does not have it
 * @param {number} now
 */
function withAges(tree, uptime, now) {
  if (!isObject(tree)) return tree;
  const { cluster, workers, jobs } = tree;
  const aged = { ...tree };
  const masterTime =
    isObject(cluster) && typeof cluster.uptime === 'number' ? cluster.uptime : uptime;
  if (cluster !== undefined) aged.cluster = withAgesOf(cluster, clusterAges, now);
  if (workers !== undefined)
    aged.workers = eachSeen(eachAged(workers, workerAges, now), masterTime, now);
  if (jobs !== undefined) aged.jobs = eachAged(jobs, jobAges, now);
  return aged;
}

/** @param {unknown} entries @param {string[]} names @param {number} now */
function eachAged(entries, names, now) {
  if (!isObject(entries)) return entries;
  return Object.fromEntries(
    Object.entries(entries).map(([id, entry]) => [id, withAgesOf(entry, names, now)]),
  );
}

/**
 * The feed gives the time of a worker's last message in seconds of the master's uptime, so a silent
 * worker causes no patches. Here it becomes an age too.
 * @param {unknown} workers
 * @param {number | undefined} masterTime
 * @param {number} now
 */
function eachSeen(workers, masterTime, now) {
  if (!isObject(workers) || masterTime === undefined) return workers;
  return Object.fromEntries(
    Object.entries(workers).map(([id, worker]) => {
      if (!isObject(worker) || typeof worker.heard_at !== 'number') return [id, worker];
      const seconds = Math.max(0, masterTime - worker.heard_at);
      return [id, { ...worker, last_seen: { seconds, at: now } }];
    }),
  );
}

/** @param {unknown} entry @param {string[]} names @param {number} now */
function withAgesOf(entry, names, now) {
  if (!isObject(entry)) return entry;
  const aged = { ...entry };
  for (const name of names) {
    const seconds = entry[name];
    if (typeof seconds === 'number') aged[name] = { seconds, at: now };
  }
  return aged;
}

/**
 * The age at this moment; undefined if unknown.
 * @param {Age | undefined} age
 * @param {number} now
 */
export function grown(age, now) {
  return age && Math.max(0, age.seconds + (now - age.at) / 1000);
}

/**
 * The remaining time at this moment; undefined if unknown.
 * @param {Age | undefined} age
 * @param {number} now
 */
export function left(age, now) {
  return age && Math.max(0, age.seconds - (now - age.at) / 1000);
}

/**
 * Sorting and filtering of workers and jobs. Pure.
 *
 * @typedef {import('./state.js').Worker} Worker
 * @typedef {import('./state.js').Job} Job
 * @typedef {{column: string, descending: boolean}} Order
 */

const collator = new Intl.Collator('en', { numeric: true });

/** @type {Record<string, (worker: Worker) => string | number | undefined>} */
const workerValues = {
  name: (worker) => worker.name || String(worker.id),
  kind: (worker) => worker.kind,
  state: (worker) => (worker.quarantined ? 'Quarantined' : worker.state),
  slots: (worker) => worker.slots,
  // A negative value means that the worker cannot measure it.
  cpu: (worker) => (worker.cpu !== undefined && worker.cpu >= 0 ? worker.cpu : undefined),
  memory: (worker) => worker.memory || undefined,
  rate: (worker) => worker.processing_rate,
  tasks: (worker) => worker.tasks_processed,
  // Ages were measured at different times `at`: compare the moments at which the age was 0.
  seen: ({ last_seen: age }) => age && age.seconds - age.at / 1000,
};

/**
 * Unknown values come last in both directions; equal values are sorted by name, then id.
 * @param {readonly Worker[]} workers
 * @param {Order} order
 */
export function sortWorkers(workers, { column, descending }) {
  const value = workerValues[column] ?? workerValues.name;
  const sign = descending ? -1 : 1;
  return [...workers].sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    const byColumn = compare(left, right);
    const isUnknown = left === undefined || right === undefined;
    return (
      (isUnknown ? byColumn : sign * byColumn) ||
      compare(workerValues.name(a), workerValues.name(b)) ||
      compare(String(a.id), String(b.id))
    );
  });
}

/**
 * The workers for which each word occurs in name, id, kind or state.
 * @param {readonly Worker[]} workers
 * @param {string} words
 */
export function filterWorkers(workers, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...workers];
  return workers.filter(({ name, id, kind, state, quarantined }) => {
    const shown = quarantined ? 'quarantined' : (state ?? '');
    const text = `${name ?? ''} ${id} ${kind ?? ''} ${shown}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

const openStates = ['running', 'paused', 'queued'];

/** @param {Job} job */
export function isOpen(job) {
  return openStates.includes((job.state ?? '').toLowerCase());
}

/**
 * Running jobs first, then those that wait, then those that ended; the newest first in each.
 * @param {readonly Job[]} jobs
 */
export function sortJobs(jobs) {
  return [...jobs].sort((a, b) => rank(a) - rank(b) || Number(b.id) - Number(a.id) || 0);
}

/** @param {Job} job */
function rank(job) {
  const place = openStates.indexOf((job.state ?? '').toLowerCase());
  return place < 0 ? openStates.length : place;
}

/**
 * "PC 2" before "PC 10"; undefined comes last.
 * @param {string | number | undefined} a
 * @param {string | number | undefined} b
 */
function compare(a, b) {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}

/** The texts on a job's card. Pure. An empty text is not shown. */

import { formatCount, formatDuration, plural } from '../format.js';
import { isObject } from './merge_patch.js';
import { isOpen } from './sorting.js';
import { grown } from './state.js';

/** @typedef {import('./state.js').Job} Job */

const liarsNamedMax = 3;

/** @param {Job} job */
function isPaused(job) {
  return (job.state ?? '').toLowerCase() === 'paused';
}

/** Why the job waits, and what to do. @param {Job} job */
export function waitingText(job) {
  if (!isOpen(job)) return '';
  if (isPaused(job)) return job.paused_because ? `Paused: ${sentence(job.paused_because)}` : '';
  switch (job.waiting_for || '') {
    case '':
      return '';
    case 'workers':
      return 'Waiting for workers. Add PCs as shown below, and the job goes on by itself.';
    case 'another PC to check':
      return (
        'Waiting for another PC to check results: a PC cannot check its own. ' +
        'Add one as shown below, and the job goes on by itself.'
      );
    case 'disk space':
      return "Waiting for disk space. Free some on the master's disk, and it goes on by itself.";
    default:
      return `Waiting for ${job.waiting_for}.`;
  }
}

/** How its results are checked, and what that costs. @param {Job} job */
export function validationText({ validation }) {
  if (!isObject(validation)) return '';
  const policy = policyText(String(validation.policy ?? ''));
  const { overhead, checks } = validation;
  if (!checks || typeof overhead !== 'number') return policy;
  // Can be above 1: with a quorum each task is computed several times.
  const percent = overhead < 0.01 ? 'less than 1' : formatCount(100 * overhead);
  const more = `checked ${percent}% more`;
  return policy ? `${policy} · ${more}` : more;
}

/** @param {string} policy */
function policyText(policy) {
  const quorum = /^quorum:(\d+)$/.exec(policy);
  if (quorum) return `${quorum[1]} PCs agree on each task`;
  return policy === 'default' ? 'browser workers only' : policy;
}

/** Which workers returned wrong results. @param {Job} job */
export function liarsText({ validation }) {
  const liars = isObject(validation) && Array.isArray(validation.liars) ? validation.liars : [];
  if (liars.length === 0) return '';
  const named = liars.slice(0, liarsNamedMax).map(String).join(', ');
  const more = liars.length > liarsNamedMax ? ` and ${liars.length - liarsNamedMax} more` : '';
  const whose = liars.length === 1 ? 'Its' : 'Their';
  return (
    `${plural(liars.length, 'worker')} proven wrong: ${named}${more}. ` +
    `${whose} unconfirmed results do not count.`
  );
}

/** @param {Job} job @param {number} now */
export function elapsedText(job, now) {
  if (isOpen(job)) {
    const elapsed = grown(job.elapsed, now);
    return elapsed === undefined ? '' : formatDuration(elapsed);
  }
  const seconds = job.elapsed?.seconds;
  if (seconds === undefined) return '';
  return seconds < 10 ? `${Math.max(0, seconds).toFixed(1)} s` : formatDuration(seconds);
}

/** The time until the job's deadline. @param {Job} job @param {number} now */
export function deadlineText(job, now) {
  const elapsed = grown(job.elapsed, now);
  if (!isOpen(job) || !job.deadline_seconds || elapsed === undefined) return '';
  return `in ${formatDuration(Math.max(0, job.deadline_seconds - elapsed))}`;
}

/** @param {unknown} submittedAt milliseconds since 1970 */
export function submittedText(submittedAt) {
  if (typeof submittedAt !== 'number') return '';
  const date = new Date(submittedAt);
  const isToday = date.toDateString() === new Date().toDateString();
  return `submitted ${isToday ? date.toLocaleTimeString() : date.toLocaleString()}`;
}

/** @param {string} text */
function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/**
 * Shows a job's result document, whose shape depends on the job type, as lines of text. Pure.
 *
 * @typedef {{label: string, text: string, title: string, isDetail: boolean}} Line
 * `isDetail` marks lines that are shown only on demand: weights, file names.
 */

import { isObject } from './merge_patch.js';

const linesMax = 64;
const depthMax = 3;
const textMax = 48;
const hashTextMax = 16; // Enough to distinguish two; the tooltip has the whole hash.

/** @param {unknown} result @returns {Line[]} */
export function summarize(result) {
  /** @type {Line[]} */
  const lines = [];
  collect(result, '', 0, false, lines);
  return lines.slice(0, linesMax);
}

/**
 * @param {unknown} value
 * @param {string} label
 * @param {number} depth
 * @param {boolean} isDetail
 * @param {Line[]} lines
 */
function collect(value, label, depth, isDetail, lines) {
  if (value === null || value === undefined) return;
  if (isObject(value)) {
    if (depth === depthMax) return;
    for (const [name, inner] of Object.entries(value).sort(byWeight)) {
      if (name === 'notes') continue; // Shown as sentences of their own.
      // The label "metrics" would add nothing to "accuracy"; the label "test" does.
      const path = label && label !== 'metrics' ? `${label} ${name}` : name;
      const detail = isDetail || weight([name, inner]) === 2;
      collect(inner, path.replaceAll('_', ' '), depth + 1, detail, lines);
    }
    return;
  }
  const full = Array.isArray(value) ? value.map(shownValue).join(', ') : shownValue(value);
  const max = /^[0-9a-f]{40,}$/.test(full) ? hashTextMax : textMax;
  const text = full.length > max ? `${full.slice(0, max - 1)}…` : full;
  lines.push({ label: label || 'result', text, title: full, isDetail });
}

/**
 * Metrics first, then single values, then lists and objects.
 * @param {[string, unknown]} a
 * @param {[string, unknown]} b
 */
function byWeight(a, b) {
  return weight(a) - weight(b);
}

/** @param {[string, unknown]} entry */
function weight([name, value]) {
  if (name === 'metrics') return 0;
  return isObject(value) ? 2 : 1;
}

/** @param {unknown} value */
function shownValue(value) {
  if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return String(Number(value.toPrecision(8)));
}

/**
 * An error as the API gives it, {code, message}, or plain text.
 * @param {unknown} error
 * @returns {string} empty if there is none
 */
export function errorText(error) {
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null) return '';
  const { code, message } = /** @type {Record<string, unknown>} */ (error);
  return String(message || code || JSON.stringify(error));
}

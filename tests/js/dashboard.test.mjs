// The dashboard's pure half: folding the feed, ordering, and saying figures.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { mergePatch } from '../../web/dashboard/merge_patch.js';
import { filterWorkers, sortJobs, sortWorkers } from '../../web/dashboard/sorting.js';
import { sparklinePoints } from '../../web/dashboard/sparkline.js';
import { emptyState, fold, grown, left } from '../../web/dashboard/state.js';
import { errorText, summarize } from '../../web/dashboard/summary.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatShare,
} from '../../web/format.js';

test('merge patch gives what RFC 7396 shows in its appendix', () => {
  /** @type {[unknown, unknown, unknown][]} target, patch, result */
  const examples = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of examples) {
    assert.deepEqual(mergePatch(target, patch), result, JSON.stringify([target, patch]));
  }
});

test('merge patch changes nothing in place, and keeps what it does not touch', () => {
  const target = Object.freeze({
    kept: Object.freeze({ x: 1 }),
    changed: Object.freeze({ y: 1, z: 2 }),
  });
  const merged = /** @type {any} */ (mergePatch(target, { changed: { y: 5 } }));
  assert.equal(merged.kept, target.kept);
  assert.deepEqual(merged.changed, { y: 5, z: 2 });
  assert.deepEqual(target.changed, { y: 1, z: 2 });
});

test('a patch cannot reach the prototype of all objects', () => {
  mergePatch({}, JSON.parse('{"__proto__": {"owned": true}}'));
  assert.equal(/** @type {any} */ ({}).owned, undefined);
});

test('snapshot and patches fold into one tree, whose untouched parts stay the same', () => {
  const snapshot = {
    type: 'snapshot',
    state: { cluster: { slots: 3 }, workers: { a: { name: 'A' }, b: { name: 'B' } }, jobs: {} },
  };
  const first = fold(emptyState, snapshot, 0);
  const second = fold(
    first,
    { type: 'patch', patch: { workers: { a: { name: 'AA' }, b: null } } },
    1,
  );
  assert.equal(second.workers.a.name, 'AA');
  assert.equal(second.workers.b, undefined);
  assert.equal(second.cluster, first.cluster);
  assert.equal(first.workers.b.id, 'b', 'an entry goes by its name where it has no id');
  const third = fold(second, { type: 'snapshot', state: { jobs: { 1: { id: 1 } } } }, 2);
  assert.deepEqual(third.workers, {});
});

test('what is no snapshot and no patch is refused', () => {
  for (const message of [null, 7, {}, { type: 'other' }, []]) {
    assert.throws(() => fold(emptyState, message, 0), /neither a snapshot nor a patch/);
  }
});

test('ages count on from when they came, and only ages do', () => {
  const jobs = { 1: { id: 1, elapsed: 10, eta: 5, result: { elapsed: 3 } } };
  const workers = { w: { id: 'w', last_seen: 2 } };
  const state = fold(emptyState, { type: 'snapshot', state: { workers, jobs } }, 1000);
  assert.equal(grown(state.workers.w.last_seen, 4000), 5);
  assert.equal(grown(state.jobs[1].elapsed, 1500), 10.5);
  assert.equal(left(state.jobs[1].eta, 3000), 3);
  assert.equal(left(state.jobs[1].eta, 60_000), 0, 'never below nothing');
  assert.deepEqual(state.jobs[1].result, { elapsed: 3 });
  const later = fold(state, { type: 'patch', patch: { workers: { w: { last_seen: 0 } } } }, 9000);
  assert.equal(grown(later.workers.w.last_seen, 9000), 0);
  assert.equal(grown(undefined, 0), undefined);
});

test('workers sort by any column, the unknown last, names by their numbers', () => {
  const workers = [
    { id: 'c', name: 'PC 10', cpu: 0.5, processing_rate: 3 },
    { id: 'b', name: 'PC 9', cpu: -1, processing_rate: 7 },
    { id: 'a', name: 'PC 9', cpu: 0.7 },
  ];
  /** @param {string} column @param {boolean} descending */
  const ids = (column, descending) =>
    sortWorkers(workers, { column, descending }).map(({ id }) => id);
  assert.deepEqual(ids('name', false), ['a', 'b', 'c']);
  assert.deepEqual(ids('name', true), ['c', 'a', 'b']);
  assert.deepEqual(ids('cpu', true), ['a', 'c', 'b']);
  assert.deepEqual(ids('cpu', false), ['c', 'a', 'b']);
  assert.deepEqual(ids('rate', true), ['b', 'c', 'a']);
  assert.deepEqual(ids('no such column', false), ['a', 'b', 'c']);
});

test('last seen sorts by how long ago it is now, not by what was sent when', () => {
  const workers = [
    { id: 'old report', last_seen: { seconds: 1, at: 0 } },
    { id: 'new report', last_seen: { seconds: 2, at: 60_000 } },
  ];
  const [longest] = sortWorkers(workers, { column: 'seen', descending: true });
  assert.equal(longest.id, 'old report');
});

test('a filter wants each of its words, in any order and any case', () => {
  const workers = [
    { id: 1, name: 'Büro 7', kind: 'native', state: 'Idle' },
    { id: 2, name: 'Büro 8', kind: 'browser', state: 'Busy' },
  ];
  assert.deepEqual(
    filterWorkers(workers, ' BUSY büro ').map(({ id }) => id),
    [2],
  );
  assert.equal(filterWorkers(workers, '').length, 2);
  assert.equal(filterWorkers(workers, 'nowhere').length, 0);
});

test('when a worker was heard becomes how long ago that is, by the master clock', () => {
  const cluster = { uptime: 100 };
  const workers = { w: { id: 'w', heard_at: 97 } };
  const state = fold(emptyState, { type: 'snapshot', state: { cluster, workers } }, 1000);
  assert.equal(grown(state.workers.w.last_seen, 2000), 4);
  const heard = fold(state, { type: 'patch', patch: { workers: { w: { heard_at: 101 } } } }, 3000);
  assert.equal(grown(heard.workers.w.last_seen, 3000), 1, 'the uptime is 102 by now');
});

test('jobs that run come first, then those that wait, then the ended; the newest first', () => {
  const jobs = [
    { id: 1, state: 'Running' },
    { id: 10, state: 'Succeeded' },
    { id: 9, state: 'Failed' },
    { id: 3, state: 'Queued' },
    { id: 2, state: 'Running' },
  ];
  assert.deepEqual(
    sortJobs(jobs).map(({ id }) => id),
    [2, 1, 3, 10, 9],
  );
});

test('a result becomes short lines, whatever its shape', () => {
  const result = {
    files: ['a.csv', 'b.csv'],
    metrics: { train_accuracy: 0.777812345678, iterations: 6 },
    notes: ['a column was left out'],
    model_sha256: 'ab'.repeat(32),
    nothing: null,
    deep: { er: { and: { deeper: { still: 1 } } } },
  };
  assert.deepEqual(
    summarize(result).map(({ label, text }) => [label, text]),
    [
      ['train accuracy', '0.77781235'],
      ['iterations', '6'],
      ['files', 'a.csv, b.csv'],
      ['model sha256', 'abababababababa…'],
    ],
  );
  assert.equal(summarize(result)[3].title, 'ab'.repeat(32));
  assert.deepEqual(summarize(undefined), []);
  assert.equal(
    summarize(Object.fromEntries(Array.from({ length: 99 }, (_, i) => [i, i]))).length,
    64,
  );
});

test('figures of their own stand first, what only some want to see is a detail', () => {
  const lines = summarize({ weights: { Age: -0.5 }, rows: 891, metrics: { accuracy: 0.8 } });
  assert.deepEqual(
    lines.map(({ label, isDetail }) => [label, isDetail]),
    [
      ['accuracy', false],
      ['rows', false],
      ['weights Age', true],
    ],
  );
});

test('an error is its message, in either form in which it may come', () => {
  assert.equal(errorText({ code: 'not_found', message: 'no such file' }), 'no such file');
  assert.equal(errorText('plain'), 'plain');
  assert.equal(errorText(null), '');
});

test('figures are never negative, and the unknown is a dash', () => {
  for (const format of [formatCount, formatRate, formatShare, formatDuration, formatBytes]) {
    for (const value of [undefined, null, NaN, Infinity, -1]) assert.equal(format(value), '–');
  }
});

test('figures read as people write them', () => {
  assert.deepEqual([0, 999, 1234567].map(formatCount), ['0', '999', '1,234,567']);
  assert.deepEqual([0, 0.00001, 0.04217, 7.346, 812.4, 12_345, 123_456].map(formatRate), [
    '0',
    '<0.001',
    '0.0422',
    '7.35',
    '812',
    '12,300',
    '123,000',
  ]);
  assert.deepEqual([0, 0.374, 0.999, 1].map(formatShare), ['0%', '37%', '99%', '100%']);
  assert.deepEqual([0.4, 59.9, 185, 7620, 100_000 * 3].map(formatDuration), [
    '0 s',
    '59 s',
    '3 min 05 s',
    '2 h 07 min',
    '3 d 11 h',
  ]);
  assert.deepEqual([0, 512, 2048, 150 * 2 ** 20, 3 * 2 ** 40].map(formatBytes), [
    '–',
    '512 B',
    '2.0 KiB',
    '150 MiB',
    '3.0 TiB',
  ]);
});

test('the curve ends at the right edge and stays in its box', () => {
  const points = sparklinePoints([0, 5, 10], 120)
    .split(' ')
    .map((pair) => pair.split(',').map(Number));
  assert.equal(points.length, 3);
  assert.deepEqual(points[2], [238, 2]);
  assert.equal(points[0][1], 46);
  assert.ok(points.every(([x, y]) => x >= 0 && x <= 240 && y >= 0 && y <= 48));
  assert.ok(!sparklinePoints([0, 0], 120).includes('NaN'));
});

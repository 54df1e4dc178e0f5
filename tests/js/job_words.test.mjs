// What the dashboard says of a job, in plain words.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  deadlineText,
  elapsedText,
  liarsText,
  validationText,
  waitingText,
} from '../../web/dashboard/job_words.js';

const running = { id: 1, state: 'Running' };

test('a job that waits says for what, and what to do; one that is over waits for nothing', () => {
  assert.equal(waitingText(running), '');
  assert.match(waitingText({ ...running, waiting_for: 'workers' }), /Add PCs/);
  assert.match(
    waitingText({ ...running, waiting_for: 'another PC to check' }),
    /a PC cannot check its own\. Add one/,
  );
  assert.match(waitingText({ ...running, waiting_for: 'disk space' }), /Free some/);
  assert.equal(waitingText({ ...running, waiting_for: 'rain' }), 'Waiting for rain.');
  assert.equal(waitingText({ id: 1, state: 'Failed', waiting_for: 'workers' }), '');
});

test('a paused job says why, where it was not a person', () => {
  const paused = { id: 1, state: 'Paused', waiting_for: 'workers' };
  assert.equal(waitingText(paused), '');
  assert.equal(
    waitingText({ ...paused, paused_because: 'the disk is full' }),
    'Paused: the disk is full.',
  );
});

test('validation is told with its cost, once it has one', () => {
  /** @param {object} validation */
  const said = (validation) => validationText({ ...running, validation });
  assert.equal(validationText(running), '');
  assert.equal(said({ policy: 'none', checks: 0, overhead: 0 }), 'none');
  assert.equal(said({ policy: 'default', checks: 0, overhead: 0 }), 'browser workers only');
  assert.equal(
    said({ policy: 'adaptive', checks: 7, overhead: 0.074 }),
    'adaptive · checked 7% more',
  );
  assert.equal(
    said({ policy: 'adaptive', checks: 1, overhead: 0.001 }),
    'adaptive · checked less than 1% more',
  );
  assert.equal(
    said({ policy: 'quorum:3', checks: 200, overhead: 2 }),
    '3 PCs agree on each task · checked 200% more',
  );
});

test('workers that were proven wrong are named, the first few of many', () => {
  /** @param {string[]} liars */
  const said = (liars) => liarsText({ ...running, validation: { policy: 'adaptive', liars } });
  assert.equal(said([]), '');
  assert.match(said(['lab-7']), /^1 worker proven wrong: lab-7\. Its unconfirmed results do not/);
  assert.match(said(['a', 'b', 'c', 'd', 'e']), /^5 workers proven wrong: a, b, c and 2 more\./);
});

test('a deadline counts down, and never below nothing', () => {
  const job = { ...running, deadline_seconds: 100, elapsed: { seconds: 40, at: 0 } };
  assert.equal(deadlineText(job, 20_000), 'in 40 s');
  assert.equal(deadlineText(job, 90_000), 'in 0 s');
  assert.equal(deadlineText({ ...job, state: 'Succeeded' }, 0), '');
  assert.equal(deadlineText({ ...job, deadline_seconds: 0 }, 0), '');
});

test('elapsed time counts on while a job runs, and stays once it is over', () => {
  assert.equal(elapsedText(running, 0), '');
  const job = { ...running, elapsed: { seconds: 2.34, at: 0 } };
  assert.equal(elapsedText(job, 10_000), '12 s');
  assert.equal(elapsedText({ ...job, state: 'Succeeded' }, 10_000), '2.3 s');
});

// What the dashboard calls job types: the master says it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { JobTypes } from '../../web/dashboard/job_types.js';

test('a type has the title that the master gives it; another reads as words', async () => {
  const types = new JobTypes(async () => [{ name: 'option_pricing', title: 'Option prices' }]);
  assert.equal(types.title('option_pricing'), 'Option pricing', 'before the master has answered');
  await types.load();
  assert.equal(types.title('option_pricing'), 'Option prices');
  assert.equal(types.title('cross_validation'), 'Cross validation');
});

test('a master that gives no titles, or nonsense, stops nothing', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const reads = [
    async () => ({ error: 'no' }),
    async () => [null, 'noop'],
    async () => {
      throw new Error('HTTP status 404');
    },
  ];
  for (const read of reads) {
    const types = new JobTypes(read);
    await types.load();
    assert.equal(types.title('noop'), 'Noop');
  }
});

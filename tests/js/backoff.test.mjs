import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backoffSeconds, backoffSecondsMax, backoffSecondsMin } from '../../web/backoff.js';

test('the pause between attempts has jitter and stays in its bounds', () => {
  for (let attempt = 0; attempt < 40; ++attempt) {
    for (const random of [0, 0.5, 0.999]) {
      const seconds = backoffSeconds(attempt, random);
      assert.ok(seconds >= backoffSecondsMin && seconds <= backoffSecondsMax);
    }
  }
  assert.notEqual(backoffSeconds(3, 0), backoffSeconds(3, 0.9));
});

// The worker's program is copied to PCs of other Linux distributions, which have the C and C++
// libraries and, under these names, nothing else that can be relied on.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { workerProgram } from '../support/cluster.mjs';

const isEverywhere =
  /^(linux-vdso|ld-linux[\w-]*|lib(c|m|pthread|dl|rt|gcc_s|stdc\+\+|resolv))\.so(\.\d+)*$/;

test('the worker needs the C and C++ libraries alone', async () => {
  const { stdout } = await promisify(execFile)('ldd', [workerProgram]);
  const libraries = stdout
    .trim()
    .split('\n')
    .map((line) => path.basename(line.trim().split(' ')[0]));
  assert.ok(libraries.includes('libc.so.6'), stdout);
  assert.deepEqual(
    libraries.filter((name) => !isEverywhere.test(name)),
    [],
  );
});

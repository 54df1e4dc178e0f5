/** C++ is as clang-format 14 puts it. Another version would put some of it differently. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

import { expectNone, isCpp, readSourceTree, root } from './source_tree.mjs';

const program = 'clang-format-14';

/**
 * @param {string[]} given
 * @param {string} [input]
 */
function clangFormat(given, input) {
  const ran = spawnSync(program, given, { cwd: root, encoding: 'utf8', input });
  assert.equal(ran.error, undefined, `${program}: install the package of this name`);
  return ran;
}

test('the check fails on what is not formatted', () => {
  const bad = clangFormat(['--dry-run', '-Werror', '--assume-filename=bad.cpp'], 'int   a ;\n');
  assert.notEqual(bad.status, 0);
});

test('every C++ file is formatted; scripts/format.sh does it', () => {
  const paths = readSourceTree().flatMap(({ path }) => (isCpp(path) ? [path] : []));
  assert.ok(paths.length > 100);
  const { stderr } = clangFormat(['--dry-run', ...paths]);
  const unformatted = stderr.split('\n').flatMap((line) => {
    const found = /^(.+?):\d+:\d+: warning: code should be clang-formatted/.exec(line);
    return found?.[1] === undefined ? [] : [found[1]];
  });
  const unique = [...new Set(unformatted)];
  expectNone(unique.map((path) => ({ path, line: 0, message: 'is not as clang-format puts it' })));
});

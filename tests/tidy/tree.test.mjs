/** Every file of this repository keeps every rule. rules.test.mjs shows that each rule can fail. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { includeDirections, pageImports, purity, unusedPermissions } from './includes.mjs';
import { layers } from './layers.mjs';
import { expectNone, isCpp, readSourceTree } from './source_tree.mjs';
import { styleRules } from './style.mjs';
import { threadedTests } from './threads.mjs';

const tree = readSourceTree();
// The rules' own samples quote what they forbid.
const withoutSamples = tree.filter(({ path }) => !path.startsWith('tests/tidy/'));

test('the tree was read: every layer has a file, or its rules would hold of nothing', () => {
  for (const { name, owns } of layers) {
    for (const start of owns)
      assert.ok(
        tree.some(({ path }) => path.startsWith(start)),
        name,
      );
  }
  assert.ok(tree.filter(({ path }) => isCpp(path)).length > 100);
  for (const path of ['web/index.html', 'config.json', 'README.md', 'run.sh', '.ci/run']) {
    assert.ok(
      tree.some((file) => file.path === path),
      path,
    );
  }
});

const rules = { includeDirections, unusedPermissions, purity, pageImports, threadedTests };
for (const [name, rule] of Object.entries(rules)) {
  test(name, () => expectNone(rule(withoutSamples)));
}

for (const [name, rule] of Object.entries(styleRules)) {
  test(name, () => expectNone(withoutSamples.flatMap(rule)));
}

test('the rules themselves keep the rules of form', () => {
  const { lineLength, fileLength, whitespace } = styleRules;
  const own = tree.filter(({ path }) => path.startsWith('tests/tidy/'));
  const rules = [lineLength, fileLength, whitespace].flatMap((rule) => (rule ? [rule] : []));
  expectNone(rules.flatMap((rule) => own.flatMap(rule)));
});

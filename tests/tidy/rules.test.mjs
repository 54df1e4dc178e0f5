/** Each rule fails on a bad sample and passes on the good one beside it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { codeOf, includeDirections, pageImports, purity, unusedPermissions } from './includes.mjs';
import { styleRules } from './style.mjs';
import { threadedTests } from './threads.mjs';

/**
 * @typedef {import('./source_tree.mjs').SourceFile} SourceFile
 * @typedef {import('./source_tree.mjs').Finding} Finding
 */

/** @param {Record<string, string>} texts by path */
const files = (texts) => Object.entries(texts).map(([path, text]) => ({ path, text }));

/** @param {(files: SourceFile[]) => Finding[]} rule @param {Record<string, string>} texts */
const messages = (rule, texts) => rule(files(texts)).map(({ message }) => message);

const scheduler = { 'master/core/scheduler.hpp': '#include <vector>\n' };

test('a layer includes itself, those below it and its own libraries', () => {
  const good = {
    ...scheduler,
    'shared/include/netcompute/ids.hpp': '#include <cstdint>\n',
    'master/core/scheduler.cpp': '#include "core/scheduler.hpp"\n#include <netcompute/ids.hpp>\n',
    'master/engine/engine.cpp': '#include "core/scheduler.hpp"\n#include <spdlog/spdlog.h>\n',
  };
  assert.deepEqual(messages(includeDirections, good), []);
});

/** @type {[string, string, RegExp][]} */
const wrongIncludes = [
  ['shared/src/kernels/math.cpp', '<boost/asio/post.hpp>', /may not include .* of boost/],
  ['shared/src/kernels/math.cpp', '<nlohmann/json.hpp>', /may not include .* of json/],
  ['shared/src/kernels/math.cpp', '<unistd.h>', /may not include .* of posix/],
  ['shared/src/programs/train.cpp', '"core/scheduler.hpp"', /of master\/core/],
  ['shared/src/protocol/encode.cpp', '<zmq.hpp>', /of zmq/],
  ['master/core/leases.cpp', '<spdlog/spdlog.h>', /of logs/],
  ['master/store/job_store.cpp', '"engine/engine.hpp"', /of master\/engine/],
  ['master/engine/engine.cpp', '"net/zmtp/zmtp_transport.hpp"', /of master\/net\/zmtp/],
  ['master/engine/engine.cpp', '<boost/asio/post.hpp>', /of boost/],
  ['master/api/routes.cpp', '<zmq.hpp>', /of zmq/],
  ['shared/src/worker/agent.cpp', '"core/scheduler.hpp"', /of master\/core/],
  ['native-worker/executor.cpp', '"zmq_link.hpp"', /of native-worker/],
  ['wasm-worker/c_abi.cpp', '<thread.h>', /of no known library/],
  ['master/core/leases.cpp', '"mock_clock.hpp"', /of no known library/],
  ['master/core/leases.cpp', '"tests/support/fake.hpp"', /product may not include/],
  ['elsewhere/new.cpp', '<vector>', /in no layer/],
];
for (const [path, header, message] of wrongIncludes) {
  test(`${path} may not include ${header}`, () => {
    const found = messages(includeDirections, {
      ...scheduler,
      'master/engine/engine.hpp': '',
      'master/net/zmtp/zmtp_transport.hpp': '',
      'native-worker/zmq_link.hpp': '',
      'tests/support/fake.hpp': '',
      [path]: `#include ${header}\n`,
    });
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', message);
  });
}

test('a permission that no file uses is found, one that a file uses is not', () => {
  const used = { 'shared/src/kernels/math.cpp': '#include <hwy/highway.h>\n' };
  const unused = (/** @type {string} */ target) => `shared/kernels may include ${target}, and`;
  const starts = (/** @type {Record<string, string>} */ texts, /** @type {string} */ start) =>
    messages(unusedPermissions, texts).some((message) => message.startsWith(start));
  assert.ok(starts({}, unused('highway')));
  assert.ok(!starts(used, unused('highway')));
  assert.ok(starts(used, unused('shared/base')));
});

test('an instant that somebody else hands over is time enough for the core', () => {
  const good = {
    'shared/include/netcompute/instant.hpp': '#include <chrono>  // There is no ::now() here.\n',
    'master/core/scheduler.hpp': '#include <netcompute/instant.hpp>\n',
  };
  assert.deepEqual(messages(purity, good), []);
});

/** @type {[string, string][]} */
const impure = [
  ['master/core/leases.cpp', '#include <thread>'],
  ['master/core/leases.cpp', '#include <fstream>'],
  ['master/core/leases.cpp', '#include <random>'],
  ['master/core/leases.cpp', '#include <unordered_map>'],
  ['master/core/leases.cpp', 'const auto now = std::chrono::steady_clock::now();'],
  ['master/core/leases.cpp', 'const Instant now = EngineClock::now ();'],
  ['master/core/leases.cpp', 'std::random_device seed;'],
  ['master/core/leases.cpp', 'const auto now = time(nullptr);'],
  ['shared/src/programs/train.cpp', 'const char* home = getenv("HOME");'],
  ['shared/src/programs/train.cpp', '#include <chrono>'],
  ['shared/src/kernels/math.cpp', '#include <mutex>'],
  ['shared/src/kernels/math.cpp', 'std::jthread helper;'],
];
for (const [path, line] of impure) {
  test(`${path} is pure: no ${line}`, () => {
    assert.equal(messages(purity, { [path]: `${line}\n` }).length, 1);
    assert.deepEqual(messages(purity, { [path]: `// ${line}\n`.replace('#', '') }), []);
  });
}

test('purity is of everything that is reached, and says by which way', () => {
  const found = messages(purity, {
    'master/core/scheduler.hpp': '#include <netcompute/result.hpp>\n',
    'shared/include/netcompute/result.hpp': '#include <netcompute/log.hpp>\n',
    'shared/include/netcompute/log.hpp': '#include <fstream>\n',
  });
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /no <fstream> \(reached from master\/core\/scheduler.hpp, by .*res/);
});

test('code is what is left when comments and texts are blanked, line for line', () => {
  assert.equal(codeOf('a /* b\nc */ "d" // e\nf').replaceAll(' ', ''), 'a\n\nf');
});

test('a page imports paths of its own site, no package and no other site', () => {
  const good = { 'web/page.js': "import { a } from './a.js';\nimport b from '/wasm/b.js';\n" };
  assert.deepEqual(messages(pageImports, good), []);
  for (const from of ['ws', 'node:fs', 'https://example.org/a.js']) {
    assert.equal(messages(pageImports, { 'web/page.js': `import a from '${from}';\n` }).length, 1);
    assert.deepEqual(messages(pageImports, { 'tests/a.mjs': `import a from '${from}';\n` }), []);
  }
});

test('a test that starts threads is one for ThreadSanitizer', () => {
  const test = (/** @type {string} */ marks, /** @type {string} */ source) => ({
    'tests/unit/a/CMakeLists.txt': `netcompute_test(a ${marks}\n SOURCES a_test.cpp\n LIBRARIES b)`,
    'tests/unit/a/a_test.cpp': source,
  });
  const threads = 'std::jthread other{work};\n';
  assert.equal(messages(threadedTests, test('unit', threads)).length, 1);
  assert.deepEqual(messages(threadedTests, test('unit THREADS', threads)), []);
  assert.deepEqual(messages(threadedTests, test('unit', 'std::thread::id id;\n')), []);
});

/** @type {Record<string, {path: string, good: string, bad: string}[]>} */
const samples = {
  lineLength: [
    { path: 'a.cpp', good: `${'…'.repeat(100)}\n`, bad: `${'x'.repeat(101)}\n` },
    { path: 'cmake/a.cmake', good: 'short\n', bad: `# ${'x'.repeat(99)}\n` },
  ],
  fileLength: [
    { path: 'a.hpp', good: '\n'.repeat(500), bad: '\n'.repeat(501) },
    { path: 'web/a.css', good: '\n', bad: '\n'.repeat(501) },
  ],
  whitespace: [
    { path: 'a.cpp', good: 'int a;\n', bad: '\tint a;\n' },
    { path: 'a.md', good: 'a\n', bad: 'a \n' },
    { path: 'a.js', good: 'a\n', bad: 'a\r\n' },
    { path: 'a.js', good: '', bad: 'a' },
  ],
  pragmaOnce: [
    { path: 'a.hpp', good: '// Why.\n#pragma once\n', bad: '#include <vector>\n#pragma once\n' },
    { path: 'b.hpp', good: '#pragma once\n', bad: '#ifndef B_HPP\n' },
  ],
  textContentOnly: [
    { path: 'web/a.js', good: 'cell.textContent = name;\n', bad: 'cell.innerHTML = name;\n' },
    { path: 'web/a.js', good: 'cell.append(row);\n', bad: "a.insertAdjacentHTML('b', name);\n" },
  ],
  machinePaths: [
    { path: 'README.md', good: '`~/NetCompute/run.sh`\n', bad: '/home/ada/NetCompute/run.sh\n' },
    { path: 'a.sh', good: 'cd /src/a\n', bad: 'cd /root/a\n' },
    { path: 'a.json', good: '"a"\n', bad: '"resolved": "https://example.org/a.tgz"\n' },
    { path: 'a.js', good: "'./a.js'\n", bad: "'https://cdn.jsdelivr.net/a.js'\n" },
  ],
  json: [{ path: 'a.json', good: '{"a": 1}\n', bad: '{"a": 1,}\n' }],
  leftovers: [
    { path: 'a.cpp', good: '// Why.\n', bad: '// TODO\n' },
    { path: 'a_test.cpp', good: 'TEST(A, B)\n', bad: 'TEST(A, DISABLED_B)\n' },
    { path: 'a.test.mjs', good: "test('a')\n", bad: "test.skip('a')\n" },
  ],
  sleeps: [
    { path: 'tests/a.cpp', good: 'wait(done);\n', bad: 'std::this_thread::sleep_for(1s);\n' },
    { path: 'tests/a.mjs', good: 'await done;\n', bad: 'await page.waitForTimeout(100);\n' },
  ],
};
for (const [name, rule] of Object.entries(styleRules)) {
  test(`${name} fails on a bad sample alone`, () => {
    const tried = samples[name] ?? [];
    assert.notEqual(tried.length, 0, 'every rule has a sample');
    for (const { path, good, bad } of tried) {
      assert.deepEqual(rule({ path, text: good }), [], good);
      assert.notDeepEqual(rule({ path, text: bad }), [], bad);
    }
  });
}

// The Python client against a real master: its README's examples as they are, and its tests.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Cluster, repository } from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

/** @type {Cluster} */
let cluster;
const folder = path.join(repository, 'clients/python');

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
});
after(() => cluster?.close());

/** @param {string[]} args */
function python(args) {
  return runProgram('python3', args, {
    cwd: cluster.folder,
    env: { ...process.env, PYTHONPATH: folder, NETCOMPUTE_URL: cluster.origin },
  });
}

test("README's examples run, one after another", async () => {
  const text = readFileSync(path.join(folder, 'README.md'), 'utf8');
  const examples = [...text.matchAll(/^```python\n([^]*?)^```$/gm)].map(([, code]) => code);
  assert.ok(examples.length >= 4);
  const script = examples.join('\n').replace('http://127.0.0.1:5051', cluster.origin);
  writeFileSync(cluster.file('readme.py'), script.replace('/tmp/', `${cluster.folder}/`));
  const { code, stdout, stderr } = await python(['readme.py']);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Succeeded$/m);
  assert.match(stdout, /\['no'\]/);
});

test('its own tests pass', async () => {
  const { code, stderr } = await python([
    '-W',
    'error',
    '-m',
    'unittest',
    'discover',
    '-s',
    path.join(folder, 'tests'),
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Ran \d\d tests/);
});

/** Mounts and network links that a test may break, because nobody else has them. */

import path from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Program, runProgram } from './program.mjs';

const marker = 'NETCOMPUTE_OWN_WORLD';

/** The namespaces that this user may have: those of root, or of its own making. */
async function unshareArguments() {
  let why = '';
  for (const flags of [
    ['--mount', '--net'],
    ['--user', '--map-root-user', '--mount', '--net'],
  ]) {
    const { code, stderr } = await runProgram('unshare', [...flags, 'ip', 'link', 'show', 'lo']);
    if (code === 0) return { flags, why: '' };
    why ||= stderr.trim();
  }
  return { flags: [], why };
}

/**
 * Runs a file's tests in mount and network namespaces of their own, in which they are root; where
 * that is not allowed they are skipped, and say why.
 * @param {string} url of the test file @param {() => void} define defines its tests
 */
export function inOwnWorld(url, define) {
  if (process.env[marker]) {
    before(() => command('ip', 'link', 'set', 'lo', 'up'));
    return define();
  }
  const file = fileURLToPath(url);
  test(`${path.basename(file)}, with mounts and links of its own`, async (t) => {
    const { flags, why } = await unshareArguments();
    if (why) return t.skip(`this user may not have namespaces: ${why}`);
    const inner = [process.execPath, '--test', '--test-reporter=tap', file];
    const outer = ['-u', 'NODE_TEST_CONTEXT', `${marker}=1`, 'unshare', ...flags];
    const program = new Program('env', [...outer, ...inner]);
    const { code } = await program.ended;
    for (const line of program.lines) if (/^((not )?ok|# )/.test(line)) t.diagnostic(line);
    if (code !== 0) throw new Error(`status ${code}:\n${program.stdout}${program.stderr}`);
  });
}

/** As root of the own world. @param {string} file @param {string[]} args */
export async function command(file, ...args) {
  const { code, stderr } = await runProgram(file, args);
  if (code !== 0) throw new Error(`${[file, ...args].join(' ')}: ${stderr}`);
}

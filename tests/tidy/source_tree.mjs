/** The text files of this repository, as the tidy rules read them. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{path: string, text: string}} SourceFile  `path` is relative to the repository, with
 *   slashes.
 * @typedef {{path: string, line: number, message: string}} Finding  What a rule found; line 0 is
 *   the whole file.
 */

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What is made here and not kept in version control. */
const made = /^(\.git|\.cache|build.*|node_modules|state|compile_commands\.json)$/;
const madeData = /^Data\/(submission_.*\.csv|model\.json)$/;
const isText =
  /\.(cpp|hpp|inc|m?js|css|html|svg|json|md|txt|cmake|sh)$|^(run\.sh|test\.sh|\.ci\/run|LICENSE)$/;

/**
 * @param {string} folder
 * @returns {string[]} paths of all files below, relative to the repository
 */
function filesBelow(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name;
    if (made.test(path) || madeData.test(path)) return [];
    return entry.isDirectory() ? filesBelow(`${path}/`) : [path];
  });
}

/** @returns {SourceFile[]} in order of their paths */
export function readSourceTree() {
  return filesBelow('')
    .filter((path) => isText.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** @param {string} path */
export const isCpp = (path) => /\.(cpp|hpp)$/.test(path);

/** @param {string} path */
export const isScript = (path) => /\.(js|mjs)$/.test(path);

/** @param {string} path Whether people wrote it as code, so that the rules of length hold. */
export const isCode = (path) => isCpp(path) || isScript(path) || /\.css$/.test(path);

/**
 * Fails with all findings, one a line.
 * @param {Finding[]} findings
 */
export function expectNone(findings) {
  const lines = findings.map(({ path, line, message }) => `${path}:${line}: ${message}`);
  if (lines.length !== 0) assert.fail(`${lines.length} found:\n${lines.join('\n')}`);
}

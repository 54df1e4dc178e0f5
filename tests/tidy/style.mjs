/** The rules of how files look, each from a file to what it finds there. */

import { isCode, isCpp, isScript } from './source_tree.mjs';

/**
 * @typedef {import('./source_tree.mjs').SourceFile} SourceFile
 * @typedef {import('./source_tree.mjs').Finding} Finding
 */

const columnsMax = 100;
const linesMax = 500;

/**
 * A finding for each line that `complaint` has something to say about.
 * @param {SourceFile} file
 * @param {(line: string) => string | undefined} complaint
 * @returns {Finding[]}
 */
function eachLine({ path, text }, complaint) {
  return text.split('\n').flatMap((content, index) => {
    const message = complaint(content);
    return message === undefined ? [] : [{ path, line: index + 1, message }];
  });
}

/** @param {SourceFile} file */
export function lineLength(file) {
  if (!isCode(file.path) && !/\.(cmake|sh)$|CMakeLists\.txt$/.test(file.path)) return [];
  return eachLine(file, (line) => {
    const columns = [...line].length;
    return columns > columnsMax ? `${columns} columns; at most ${columnsMax}` : undefined;
  });
}

/** @param {SourceFile} file */
export function fileLength({ path, text }) {
  const lines = text.split('\n').length - 1;
  if (!isCode(path) || lines <= linesMax) return [];
  return [{ path, line: 0, message: `${lines} lines; at most ${linesMax}: one file, one subject` }];
}

/** @param {SourceFile} file */
export function whitespace(file) {
  const found = eachLine(file, (line) => {
    if (line.includes('\t')) return 'a tab; indent with spaces';
    if (line.endsWith('\r')) return 'a carriage return; lines end with a newline alone';
    return /\s$/.test(line) ? 'white space at the end of the line' : undefined;
  });
  if (file.text !== '' && !file.text.endsWith('\n')) {
    found.push({ path: file.path, line: 0, message: 'no newline at the end of the file' });
  }
  return found;
}

/** @param {SourceFile} file */
export function pragmaOnce({ path, text }) {
  // Headers named -inl.hpp are included once for each SIMD target, with a guard of that kind.
  if (!path.endsWith('.hpp') || path.endsWith('-inl.hpp')) return [];
  const first = text.split('\n').find((line) => line !== '' && !line.startsWith('//'));
  return first === '#pragma once' ? [] : [{ path, line: 1, message: 'no #pragma once' }];
}

/** @param {SourceFile} file Names of workers come from strangers: text goes in as text. */
export function textContentOnly(file) {
  if (!/^web\//.test(file.path)) return [];
  return eachLine(file, (line) => {
    const found = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/.exec(line);
    return found ? `${found[0]}; use textContent or web/dom.js` : undefined;
  });
}

/** @param {SourceFile} file Nothing of the PC on which a file was written, and no registry. */
export function machinePaths(file) {
  const path = /(?<![\w.~-])\/(?:home\/[a-z]\w*|root|work|Users\/\w+)\//;
  const host = /\/\/(?:[\w.-]*\.)?(?:npmjs\.org|jsdelivr\.net|unpkg\.com|cdnjs\.[\w.]+|pypi\.org)/;
  const resolved = /"resolved":/; // Where npm found a package.
  return eachLine(file, (line) => {
    const found = path.exec(line) ?? host.exec(line) ?? resolved.exec(line);
    return found ? `"${found[0]}" is of one PC or one registry` : undefined;
  });
}

/** @param {SourceFile} file */
export function json({ path, text }) {
  if (!path.endsWith('.json')) return [];
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [{ path, line: 0, message: `is not JSON: ${String(error)}` }];
  }
}

/** @param {SourceFile} file Nothing is left for later, and no test is left out. */
export function leftovers(file) {
  if (!isCode(file.path)) return [];
  return eachLine(file, (line) => {
    const found = /\b(?:TODO|FIXME|XXX|HACK)\b|GTEST_SKIP|DISABLED_|\b(?:test|it)\.skip/.exec(line);
    return found ? `${found[0]}: finish it, or say in the documents what is not there` : undefined;
  });
}

/** @param {SourceFile} file Tests await events. */
export function sleeps(file) {
  if (!file.path.startsWith('tests/') || (!isCpp(file.path) && !isScript(file.path))) return [];
  return eachLine(file, (line) => {
    const found = /this_thread::sleep|usleep\(|(?<![\w.])sleep\(|waitForTimeout/.exec(line);
    return found ? `${found[0]}: await an event` : undefined;
  });
}

/** @type {Record<string, (file: SourceFile) => Finding[]>} */
export const styleRules = {
  lineLength,
  fileLength,
  whitespace,
  pragmaOnce,
  textContentOnly,
  machinePaths,
  json,
  leftovers,
  sleeps,
};

/** Which tests are built with ThreadSanitizer, against what their sources do. */

/**
 * @typedef {import('./source_tree.mjs').SourceFile} SourceFile
 * @typedef {import('./source_tree.mjs').Finding} Finding
 */

const startsThreads = /\bstd::(?:jthread|thread|async)\b(?!::)/;

/**
 * The sources of the tests that a CMakeLists.txt marks with THREADS.
 * @param {string} text
 */
function threadedSources(text) {
  const calls = [...text.matchAll(/netcompute_test\(\w+ \w+ THREADS\s+SOURCES([^)]*?)LIBRARIES/g)];
  return new Set(calls.flatMap(([, sources]) => (sources ?? '').trim().split(/\s+/)));
}

/**
 * A test that starts threads is one that ThreadSanitizer has to see.
 * @param {SourceFile[]} files
 * @returns {Finding[]}
 */
export function threadedTests(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return files.flatMap(({ path, text }) => {
    const [, folder, name] =
      /^(tests\/(?:unit|integration)\/(?:\w+\/)*)(\w+\.cpp)$/.exec(path) ?? [];
    if (folder === undefined || name === undefined || !startsThreads.test(text)) return [];
    if (threadedSources(texts.get(`${folder}CMakeLists.txt`) ?? '').has(name)) return [];
    return [{ path, line: 0, message: 'starts threads, so its netcompute_test() needs THREADS' }];
  });
}

/** The rules of who may include whom, direct and through others. */

import { layerOf, layers, libraryOf, outsideTheProduct } from './layers.mjs';
import { isCpp, isScript } from './source_tree.mjs';

/**
 * @typedef {import('./source_tree.mjs').SourceFile} SourceFile
 * @typedef {import('./source_tree.mjs').Finding} Finding
 * @typedef {{header: string, line: number}} Include
 */

/** @param {string} path */
const isOutside = (path) => outsideTheProduct.some((folder) => path.startsWith(folder));

/** Where an include is looked for, after the folder of the file that has it. */
const roots = ['shared/include/', 'master/', 'native-worker/', 'shared/src/kernels/', ''];

/**
 * @param {string} text
 * @returns {Include[]}
 */
export function includesOf(text) {
  return text.split('\n').flatMap((line, index) => {
    const match = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line);
    return match?.[1] === undefined ? [] : [{ header: match[1], line: index + 1 }];
  });
}

/** Code with comments and the contents of strings blanked, lines kept. */
export function codeOf(/** @type {string} */ text) {
  const pattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;
  return text.replace(pattern, (found) => found.replace(/[^\n]/g, ' '));
}

/**
 * @param {string} from the including file
 * @param {string} header
 * @param {ReadonlyMap<string, string>} texts by path
 * @returns {string | undefined} the path of a header of ours
 */
function resolve(from, header, texts) {
  const folder = from.slice(0, from.lastIndexOf('/') + 1);
  return [folder, ...roots].map((start) => start + header).find((path) => texts.has(path));
}

/**
 * Each #include of the product against the table of layers.
 * @param {SourceFile[]} files
 * @returns {Finding[]}
 */
export function includeDirections(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return files.flatMap(({ path, text }) => {
    if (!isCpp(path) || isOutside(path)) return [];
    const layer = layerOf(path);
    if (!layer) return [{ path, line: 0, message: 'is in no layer of tidy/layers.mjs' }];
    return includesOf(text).flatMap(({ header, line }) => {
      const complain = (/** @type {string} */ message) => [{ path, line, message }];
      const ours = resolve(path, header, texts);
      if (ours === undefined) {
        const library = libraryOf(header);
        if (library === undefined) {
          return complain(`<${header}> is of no known library; add it to tidy/layers.mjs`);
        }
        if (layer.libraries.includes(library)) return [];
        return complain(`${layer.name} may not include <${header}>, of ${library}`);
      }
      const target = layerOf(ours);
      if (!target) return complain(`the product may not include ${ours}`);
      if (target === layer || layer.may.includes(target.name)) return [];
      return complain(`${layer.name} may not include "${header}", of ${target.name}`);
    });
  });
}

/**
 * Each permission of the table that no #include uses: the next one who does would not be noticed.
 * @param {SourceFile[]} files
 * @returns {Finding[]}
 */
export function unusedPermissions(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const used = new Set(
    files
      .filter(({ path }) => isCpp(path) && !isOutside(path))
      .flatMap(({ path, text }) =>
        includesOf(text).map(({ header }) => {
          const ours = resolve(path, header, texts);
          const target = ours === undefined ? libraryOf(header) : layerOf(ours)?.name;
          return `${layerOf(path)?.name}: ${target}`;
        }),
      ),
  );
  return layers.flatMap(({ name, may, libraries }) =>
    [...may, ...libraries]
      .filter((target) => !used.has(`${name}: ${target}`))
      .map((target) => ({
        path: 'tests/tidy/layers.mjs',
        line: 0,
        message: `${name} may include ${target}, and does not: take that back`,
      })),
  );
}

/** Standard headers that reach the world; <chrono> does only where no time may be known. */
const impureHeaders = new Set(
  `atomic barrier condition_variable ctime fstream filesystem future iostream latch
   mutex random semaphore shared_mutex stop_token syncstream thread`.split(/\s+/),
);

/** What reaches the world without a header that gives it away, or without a defined order. */
const impureCode = [
  /::now\s*\(/,
  /\brandom_device\b/,
  /\b(?:system|steady|high_resolution)_clock\b/,
  /\bstd::(?:j?thread|async)\b/,
  /\b(?:fopen|getenv|srand|rand|clock_gettime|gettimeofday)\s*\(/,
  /\btime\s*\(\s*(?:nullptr|NULL|0)\s*\)/,
  /\bunordered_(?:map|set)\b/,
];

/**
 * Everything of ours that a file reaches through its includes, itself first.
 * @param {string} start
 * @param {ReadonlyMap<string, string>} texts
 * @returns {Map<string, string>} path -> the path that included it
 */
function reachable(start, texts) {
  const from = new Map([[start, start]]);
  for (const path of from.keys()) {
    for (const { header } of includesOf(texts.get(path) ?? '')) {
      const ours = resolve(path, header, texts);
      if (ours !== undefined && !from.has(ours)) from.set(ours, path);
    }
  }
  return from;
}

/**
 * No clock, thread, file, socket, true randomness or unordered iteration is reachable from the
 * layers that must stay pure.
 * @param {SourceFile[]} files
 * @returns {Finding[]}
 */
export function purity(files) {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return files.flatMap(({ path: start }) => {
    const layer = isCpp(start) ? layerOf(start) : undefined;
    if (!layer?.pure) return [];
    return [...reachable(start, texts)].flatMap(([path, from]) => {
      const text = texts.get(path) ?? '';
      const how = path === start ? '' : ` (reached from ${start}, by ${from})`;
      const headers = includesOf(text).flatMap(({ header, line }) => {
        const isClock = header === 'chrono' && layer.pure === 'no clock';
        if (!isClock && !impureHeaders.has(header) && libraryOf(header) !== 'posix') return [];
        return [{ path, line, message: `${layer.name} is pure: no <${header}>${how}` }];
      });
      const uses = codeOf(text)
        .split('\n')
        .flatMap((code, index) => {
          const found = impureCode.map((pattern) => pattern.exec(code)?.[0]).find(Boolean);
          if (found === undefined) return [];
          return [{ path, line: index + 1, message: `${layer.name} is pure: no ${found}${how}` }];
        });
      return [...headers, ...uses];
    });
  });
}

/**
 * The pages are served as they are, in offices without internet: their modules import each other
 * by path, never a package and never another site.
 * @param {SourceFile[]} files
 * @returns {Finding[]}
 */
export function pageImports(files) {
  return files.flatMap(({ path, text }) => {
    if (!isScript(path) || !path.startsWith('web/')) return [];
    return text.split('\n').flatMap((code, index) => {
      const match = /^(?:import|export)\b.*?\bfrom\s+'([^']+)'|^import\s+'([^']+)'/.exec(code);
      const from = match?.[1] ?? match?.[2];
      if (from === undefined || /^(\.{1,2}|)\//.test(from)) return [];
      return [{ path, line: index + 1, message: `'${from}' is not a path of this site` }];
    });
  });
}

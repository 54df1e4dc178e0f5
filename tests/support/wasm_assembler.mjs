/** WebAssembly modules, put together byte by byte: what a compiler would never write too. */

/** @param {number | bigint} value @returns {number[]} */
export function uleb(value) {
  let rest = BigInt(value);
  const bytes = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

/** @param {number | bigint} value @returns {number[]} */
export function sleb(value) {
  let rest = BigInt(value);
  const bytes = [];
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const isLast = (rest === 0n && !(low & 0x40)) || (rest === -1n && (low & 0x40) !== 0);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

/** @param {number[][]} items */
export const vector = (items) => [...uleb(items.length), ...items.flat()];

/** @param {string} text */
export const name = (text) => {
  const bytes = [...Buffer.from(text)];
  return [...uleb(bytes.length), ...bytes];
};

/** @param {number} id @param {number[]} content */
export const section = (id, content) => [id, ...uleb(content.length), ...content];

export const typeCodes = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c, v: 0x7b, r: 0x70 };

/** @param {string} types */
const types = (types) =>
  vector([...types].map((letter) => [typeCodes[/** @type {'i'} */ (letter)]]));

/** @param {string} operands @param {string} results */
export const functionType = (operands, results) => [0x60, ...types(operands), ...types(results)];

/** A body: groups of locals, then code, whose end is added.
 * @param {number[]} code @param {[number, string][]} [locals] */
export function body(code, locals = []) {
  const groups = vector(
    locals.map(([count, letter]) => [...uleb(count), typeCodes[/** @type {'i'} */ (letter)]]),
  );
  const bytes = [...groups, ...code, 0x0b];
  return [...uleb(bytes.length), ...bytes];
}

export const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/**
 * A module that passes as a function: types 0 (i32) -> i32, 1 (i32, i32) -> i64 and `more`;
 * functions 0 nc_alloc, 1 nc_run, and those of `functions`, each [type, body]. `run` is the code of
 * nc_run; `sections` replace or add to the others by their number.
 * @param {{more?: number[][], run?: number[], runLocals?: [number, string][],
 *          functions?: [number, number[]][], sections?: Record<number, number[] | null>}} [parts]
 */
export function guest({
  more = [],
  run = [0x42, 0],
  runLocals = [],
  functions = [],
  sections = {},
} = {}) {
  /** @type {Record<number, number[] | null>} */
  const all = {
    1: vector([functionType('i', 'i'), functionType('ii', 'I'), ...more]),
    3: vector([[0], [1], ...functions.map(([type]) => uleb(type))]),
    5: [1, 0, 1],
    7: vector([
      [...name('memory'), 2, 0],
      [...name('nc_alloc'), 0, 0],
      [...name('nc_run'), 0, 1],
    ]),
    10: vector([
      body([0x41, ...sleb(1024)]),
      body(run, runLocals),
      ...functions.map(([, bytes]) => bytes),
    ]),
    ...sections,
  };
  const order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11];
  return Uint8Array.from([
    ...header,
    ...order.flatMap((id) => (all[id] ? section(id, /** @type {number[]} */ (all[id])) : [])),
  ]);
}

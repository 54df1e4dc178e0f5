// The gate for users' modules: what it refuses and where; that what it passes is still a module and
// computes the same; and that it then gives the same bits on every engine and tier that is here.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
  body,
  functionType,
  guest,
  header,
  name,
  section,
  sleb,
  uleb,
  vector,
} from '../support/wasm_assembler.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const binaries = process.env.NETCOMPUTE_BINARY_DIR ?? path.join(repository, 'build');
const gateProgram = path.join(binaries, 'tests/netcompute_gate');
const runner = fileURLToPath(new URL('run_guest.cjs', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'netcompute-gate-'));
after(() => rmSync(folder, { recursive: true }));

/** @param {Uint8Array} module @param {string[]} [options] */
function passGate(module, options = []) {
  const [from, to] = ['in.wasm', 'out.wasm'].map((file) => path.join(folder, file));
  writeFileSync(from, module);
  const { status, stdout, signal } = spawnSync(gateProgram, [from, to, ...options]);
  const said = stdout.toString().trim();
  assert.equal(signal, null, said);
  if (status !== 0) return { said, bytes: null, file: '' };
  return { said, bytes: readFileSync(to), file: to };
}

/** @param {Uint8Array} module @param {string[]} [options] */
function passed(module, options = []) {
  const result = passGate(module, options);
  assert.ok(result.bytes, result.said);
  assert.ok(WebAssembly.validate(result.bytes), 'what it writes is a module');
  return { ...result, ...JSON.parse(result.said) };
}

const bigTypes = [functionType('', ''), functionType('i', 'ii'), functionType('', 'f')];
const v128 = (/** @type {number} */ byte) => [0xfd, 0x0c, ...Array(16).fill(byte)];

test('a guest passes, and does what it did', () => {
  const { shape, can_fold: canFold, imports, memory_bytes_min: memory } = passed(guest());
  assert.deepEqual([shape, canFold, imports, memory], ['function', false, [], 65536]);
  const command = guest({
    more: [functionType('', '')],
    functions: [[2, body([])]],
    sections: {
      7: vector([
        [...name('memory'), 2, 0],
        [...name('_start'), 0, 2],
      ]),
    },
  });
  assert.equal(passed(command).shape, 'command');
  const folding = guest({
    more: [functionType('iiii', 'I'), functionType('ii', '')],
    sections: {
      2: vector([[...name('netcompute'), ...name('fail'), 0, 3]]),
      3: vector([[0], [1], [2]]),
      7: vector([
        ...[
          [...name('memory'), 2, 0],
          [...name('nc_alloc'), 0, 1],
          [...name('nc_run'), 0, 2],
        ],
        [...name('nc_fold'), 0, 3],
      ]),
      10: vector([body([0x41, 0]), body([0x42, 0]), body([0x42, 0])]),
    },
  });
  const { can_fold: folds, imports: imported } = passed(folding);
  assert.deepEqual([folds, imported], [true, ['netcompute.fail']]);
  assert.equal(passed(guest()).said, passed(guest()).said, 'the same bytes give the same');
});

test('code of every kind that compilers write passes', () => {
  /** @type {[string, number[]][]} */
  const codes = [
    ['blocks with values', [0x02, 0x7f, 0x41, 1, 0x0b, 0x1a]],
    ['a loop with a type of its own', [0x41, 1, 0x03, 3, 0x41, 2, 0x0b, 0x1a, 0x1a]],
    ['an if with an else', [0x41, 1, 0x04, 0x7f, 0x41, 2, 0x05, 0x41, 3, 0x0b, 0x1a]],
    ['a table of branches', [0x02, 0x40, 0x02, 0x40, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x0b]],
    ['what is never reached', [0x02, 0x40, 0x0c, 0, 0x6a, 0x1a, 0x38, 2, 0, 0x0b]],
    ['a return', [0x42, 0, 0x0f]],
    ['a select between vectors', [...v128(0), ...v128(1), 0x41, 1, 0x1b, 0x1a]],
    ['a copy in memory', [0x41, 0, 0x41, 8, 0x41, 4, 0xfc, 10, 0, 0]],
  ];
  for (const [what, code] of codes) {
    const run = what === 'a return' ? code : [...code, 0x42, 0];
    const module = guest({ more: bigTypes, run });
    assert.ok(WebAssembly.validate(module), `${what}: the test itself`);
    for (const options of [[], ['--fuel']]) passed(module, options);
  }
});

test('what could differ, reach out, or is no module is refused, with its place', () => {
  const wasi = 'wasi_snapshot_preview1';
  /** @type {[string, Uint8Array, RegExp][]} */
  const cases = [
    ['nothing', new Uint8Array(), /^refused: at byte 0x0: this is no WebAssembly module/],
    ['text', Buffer.from('(module)'), /no WebAssembly module/],
    ['a head alone', Uint8Array.from(header), /exports neither memory, nc_alloc/],
    ['half of it', guest().slice(0, 40), /ends in the middle/],
    [
      'sections twice',
      Uint8Array.from([...guest(), ...section(5, [1, 0, 1])]),
      /"memory" is out of order/,
    ],
    ['an unknown section', Uint8Array.from([...guest(), ...section(13, [])]), /no section 13/],
    ['a longer section', guest({ sections: { 5: [1, 0, 1, 0] } }), /section goes on/],
    ['shared memory', guest({ sections: { 5: [1, 3, 1, 2] } }), /shared/],
    ['64-bit memory', guest({ sections: { 5: [1, 4, 1] } }), /64-bit/],
    ['two memories', guest({ sections: { 5: [2, 0, 1, 0, 1] } }), /2 memories; at most 1/],
    [
      'a large memory',
      guest({ sections: { 5: [1, 0, ...uleb(5000)] } }),
      /begins with 5000; at most 4096/,
    ],
    [
      'a relaxed vector',
      guest({ run: [...v128(0), ...v128(0), 0xfd, ...uleb(0x100), 0x1a, 0x42, 0] }),
      /relaxed/,
    ],
    ['a thread', guest({ run: [0xfe, 0x03, 0, 0x42, 0] }), /at byte 0x4b: threads are not taken/],
    ['an exception', guest({ run: [0x06, 0x40, 0x0b, 0x42, 0] }), /exceptions/],
    ['a tail call', guest({ run: [0x12, 1] }), /tail calls/],
    ['garbage collection', guest({ run: [0xfb, 0, 0x42, 0] }), /garbage collection/],
    ['an unknown one', guest({ run: [0x27, 0x42, 0] }), /no instruction 39/],
    [
      'a growing table',
      guest({
        sections: { 4: [1, 0x70, 0, 1] },
        run: [0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a, 0x42, 0],
      }),
      /table\.grow: a table that grows/,
    ],
    [
      'an import of the page',
      guest({
        more: [functionType('', '')],
        sections: { 2: vector([[...name('env'), ...name('now'), 0, 2]]) },
      }),
      /import env\.now: there is none/,
    ],
    [
      'WASI with other types',
      guest({
        more: [functionType('f', 'i')],
        sections: { 2: vector([[...name(wasi), ...name('fd_close'), 0, 2]]) },
      }),
      /fd_close: has another type/,
    ],
    [
      'an imported memory',
      guest({ sections: { 2: vector([[...name('netcompute'), ...name('memory'), 2, 0, 1]]) } }),
      /only functions can be imported/,
    ],
    ['a wrong type', guest({ run: [0x41, 0] }), /end: it takes i64 and there is i32/],
    [
      'a missing value',
      guest({ run: [0x6a, 0x42, 0] }),
      /i32\.add: it takes a value where there is none/,
    ],
    ['a value too many', guest({ run: [0x41, 0, 0x42, 0] }), /values are left over/],
    ['an unknown local', guest({ run: [0x20, 5, 0xad] }), /local\.get: there is no local 5/],
    ['an unknown block', guest({ run: [0x0c, 3] }), /br: it goes to block 3 of 1/],
    [
      'a large alignment',
      guest({ run: [0x41, 0, 0x28, 3, 0, 0x1a, 0x42, 0] }),
      /i32\.load: an alignment of 2\^3/,
    ],
    [
      'a lane too far',
      guest({ run: [...v128(0), 0xfd, 0x1b, 4, 0x1a, 0x42, 0] }),
      /there is no lane 4/,
    ],
    [
      'an if without else',
      guest({ run: [0x41, 0, 0x04, 0x7f, 0x41, 0, 0x0b, 0xad] }),
      /if without an else/,
    ],
    [
      'a long number',
      guest({ run: [0x41, 0x80, 0x80, 0x80, 0x80, 0x70, 0x1a, 0x42, 0] }),
      /more than 32 bits/,
    ],
    ['too many locals', guest({ runLocals: [[60000, 'i']] }), /more than 50000 locals/],
    [
      'deep blocks',
      guest({
        run: [...Array(6000).fill([0x02, 0x40]).flat(), ...Array(6000).fill(0x0b), 0x42, 0],
      }),
      /more than 5000 blocks/,
    ],
    [
      'our own name',
      guest({ sections: { 7: vector([[...name('nc_fuel'), 0, 0]]) } }),
      /this name is taken/,
    ],
    [
      'no nc_run',
      guest({ sections: { 7: vector([[...name('memory'), 2, 0]]) } }),
      /exports neither/,
    ],
    [
      'a missing body',
      guest({ sections: { 10: vector([body([0x41, 0])]) } }),
      /1 bodies for 2 functions/,
    ],
    ['no bodies', guest({ sections: { 10: null } }), /0 bodies for 2 functions/],
    [
      'a start that takes something',
      guest({ sections: { 8: [0] } }),
      /start function takes and gives nothing/,
    ],
    [
      'a name that is no UTF-8',
      guest({ sections: { 7: vector([[2, 0xff, 0xff, 0, 0]]) } }),
      /not UTF-8/,
    ],
    [
      'a count beyond the end',
      guest({ sections: { 1: uleb(50000) } }),
      /do not fit into what follows/,
    ],
  ];
  for (const [what, module, message] of cases) {
    const { said, bytes } = passGate(module);
    assert.equal(bytes, null, what);
    assert.match(said, message, what);
  }
});

test('what is cut off or changed in a byte is refused, or still a module', () => {
  const run = [0x02, 0x40, 0x41, 0, 0x43, 0, 0, 0xc0, 0x7f, 0x38, 2, 0, 0x0b, 0x42, 0];
  const whole = guest({ more: bigTypes, run });
  let accepted = 0;
  for (let i = 0; i < whole.length; ++i) {
    assert.equal(passGate(whole.slice(0, i)).bytes, null, `cut at ${i}`);
    const changed = Uint8Array.from(whole);
    changed[i] ^= 1 << (i % 8);
    const { bytes } = passGate(changed);
    if (!bytes) continue;
    ++accepted;
    assert.ok(WebAssembly.validate(changed), `byte ${i}: it takes no more than engines do`);
    assert.ok(WebAssembly.validate(bytes), `byte ${i}: what it writes is a module`);
  }
  assert.ok(accepted > 3, `${accepted}`);
});

// --- the same bits -------------------------------------------------------------------------------

/** @type {Record<string, string[]>} */
const engines = {
  'V8, first tier': ['node', '--liftoff', '--no-wasm-tier-up', runner],
  'V8, second tier': ['node', '--no-liftoff', runner],
};
for (const compiler of ['baseline', 'ion']) {
  engines[`SpiderMonkey, ${compiler}`] = ['js102', `--wasm-compiler=${compiler}`, runner];
}

/** What each engine says. @param {string} file @param {string[]} [more] */
const onEach = (file, more = []) =>
  Object.values(engines).map(([program, ...words]) =>
    execFileSync(program, [...words, file, ...more])
      .toString()
      .trim(),
  );

const edges = 24;
const bits32 = [
  ...[0, 1, 2, 0xffffffff, 0x80000000, 0x7fffffff, 0x7fc00000, 0xff800000, 0x7f800000, 0x3f800000],
  ...[0xbf800000, 0x00000001, 0x80000001, 0x007fffff, 0x4f000000, 0x4effffff, 0xcf000000],
  ...[0x4b000001, 0xffc01234, 0x7f800001, 0xbf000000, 0x5f000000, 0xdf000000, 0x12345678],
];
const bits64 = bits32.map((bits, i) =>
  bits % 0x100 === 0 && i > 5
    ? (BigInt(bits >>> 31) << 63n) |
      (BigInt(bits & 0x7f800000) << 29n) |
      (BigInt(i) * 0x38000000000n)
    : (BigInt(bits) << 32n) | BigInt(bits32[(i * 7 + 3) % edges]),
);
bits64.splice(
  3,
  8,
  ...[
    ...[0x7ff8000000000000n, 0xfff8000000005678n, 0x7ff0000000000001n, 0x7ff0000000000000n],
    ...[0xfff0000000000000n, 0x3ff8000000000000n, 0x8000000000000000n, 0xc1e0000000200000n],
  ],
);
const sizes = { i: 4, I: 8, f: 4, F: 8, v: 16 };
const bases = { i: 0, f: 0, I: 1024, F: 1024, v: 2048 };

/** The operands: 24 of each type. */
function operands() {
  const bytes = Buffer.alloc(4096);
  bits32.forEach((bits, i) => bytes.writeUInt32LE(bits, 4 * i));
  bits64.forEach((bits, i) => bytes.writeBigUInt64LE(bits, 1024 + 8 * i));
  for (let i = 0; i < edges; ++i) {
    for (let part = 0; part < 4; ++part) {
      const odd = bits32[(i * 5 + part * 11) % edges];
      if (i % 2) bytes.writeUInt32LE(odd, 2048 + 16 * i + 4 * part);
      else if (part < 2)
        bytes.writeBigUInt64LE(bits64[(i * 3 + part * 7) % edges], 2048 + 16 * i + 8 * part);
    }
  }
  // Zeros of both signs against each other, for minimum and maximum.
  for (const [i, zeros] of [
    [0, [0, -0]],
    [2, [-0, 0]],
  ]) {
    zeros.forEach((zero, part) => bytes.writeDoubleLE(zero, 2048 + 16 * i + 8 * part));
  }
  for (const [i, four] of [
    [1, [0, -0, 1.5, -0]],
    [3, [-0, 0, -2.5, 0]],
  ]) {
    four.forEach((each, part) => bytes.writeFloatLE(each, 2048 + 16 * i + 4 * part));
  }
  return [...bytes];
}

/** The instructions of the gate's own tables that compute by their operands alone.
 * @returns {{code: number[], name: string, operands: string, result: keyof sizes}[]} */
function instructions() {
  return [
    ['instructions.inc'],
    ['instructions_fc.inc', 0xfc],
    ['instructions_fd.inc', 0xfd],
  ].flatMap(([file, prefix]) => {
    const text = readFileSync(path.join(repository, 'master/usercode', String(file)), 'utf8');
    const line = /^NETCOMPUTE_WASM\((0x\w+), "(.+)", "(\w*)", "(\w*)", (\w+), (\d+), \w+\)$/gm;
    return [...text.matchAll(line)].flatMap(([, number, called, from, to, immediate, value]) => {
      const traps = /\.(div|rem)_|[^t]\.trunc_f/.test(called) && !called.includes('x');
      if (traps || !['None', 'Lane'].includes(immediate) || to === '' || from === '') return [];
      const code = [
        ...(prefix ? [Number(prefix)] : []),
        ...(prefix ? uleb(Number(number)) : [Number(number)]),
      ];
      if (immediate === 'Lane') code.push(Number(value) - 1);
      return [{ code, name: called, operands: from, result: /** @type {'i'} */ (to) }];
    });
  });
}

/** A guest that computes every instruction with every pair of operands. */
function everyInstruction() {
  const all = instructions();
  const loads = { i: [0x28, 0], I: [0x29, 0], f: [0x2a, 0], F: [0x2b, 0], v: [0xfd, 0, 0] };
  const stores = { i: [0x36, 0], I: [0x37, 0], f: [0x38, 0], F: [0x39, 0], v: [0xfd, 0x0b, 0] };
  const get = (/** @type {number} */ local) => [0x20, local];
  const scaled = (/** @type {number} */ local, /** @type {number} */ by) => [
    ...[...get(local), 0x41, ...sleb(by), 0x6c],
  ];
  let place = 65536;
  const functions = all.map(({ code, operands: from, result }) => {
    const size = sizes[result];
    const inner = [
      ...scaled(0, edges * size),
      ...[...scaled(1, size), 0x6a],
      ...[...from].flatMap((type, k) => [
        ...scaled(k % 2, sizes[/** @type {'i'} */ (type)]),
        ...[...loads[/** @type {'i'} */ (type)], ...uleb(bases[/** @type {'i'} */ (type)])],
      ]),
      ...[...code, ...stores[result], ...uleb(place)],
    ];
    const next = (/** @type {number} */ local) => [
      ...[...get(local), 0x41, 1, 0x6a, 0x22, local, 0x41, edges, 0x49, 0x0d, 0],
    ];
    place += edges * edges * size;
    const loops = [
      0x03,
      0x40,
      0x41,
      0,
      0x21,
      1,
      0x03,
      0x40,
      ...inner,
      ...next(1),
      0x0b,
      ...next(0),
      0x0b,
    ];
    return body(loops, [[2, 'i']]);
  });
  const output = place - 65536;
  return {
    count: all.length,
    output,
    module: guest({
      more: [functionType('', '')],
      functions: functions.map((bytes) => [2, bytes]),
      run: [
        ...all.flatMap((_, i) => [0x10, ...uleb(i + 2)]),
        ...[0x42, ...sleb((BigInt(output) << 32n) | 65536n)],
      ],
      sections: {
        5: [1, 0, ...uleb(Math.ceil(place / 65536) + 1)],
        11: vector([[0, 0x41, 0, 0x0b, ...uleb(4096), ...operands()]]),
      },
    }),
  };
}

test('every instruction gives the same bits on every engine and tier behind the gate', () => {
  const { count, output, module } = everyInstruction();
  assert.ok(count >= 317, `${count} instructions`);
  const bare = path.join(folder, 'bare.wasm');
  writeFileSync(bare, module);
  // Without the gate they differ: otherwise this test could not fail.
  assert.ok(new Set(onEach(bare)).size > 1, 'engines differ in the bits of NaN');
  for (const options of [[], ['--fuel']]) {
    const said = onEach(passed(module, options).file);
    assert.match(said[0], new RegExp(`^\\w+ ${output}`));
    assert.deepEqual(
      said,
      said.map(() => said[0]),
      Object.keys(engines).join(', '),
    );
  }
});

test('fuel is counted the same everywhere, and its end is a trap that can be told', () => {
  // 1000 turns of a loop.
  const loop = [
    0x03,
    0x40,
    0x20,
    2,
    0x41,
    1,
    0x6a,
    0x22,
    2,
    0x41,
    ...sleb(1000),
    0x49,
    0x0d,
    0,
    0x0b,
  ];
  const { file } = passed(guest({ run: [...loop, 0x42, 0], runLocals: [[1, 'i']] }), ['--fuel']);
  const said = onEach(file);
  assert.deepEqual(
    said,
    said.map(() => said[0]),
  );
  const used = Number(said[0].split(' ')[2]);
  assert.ok(used >= 8000 && used < 10000, said[0]);
  assert.deepEqual([...new Set(onEach(file, [String(used)]))], [said[0]]);
  assert.deepEqual([...new Set(onEach(file, [String(used - 1)]))], ['no fuel']);
  const endless = passed(guest({ run: [0x03, 0x40, 0x0c, 0, 0x0b, 0x42, 0] }), ['--fuel']);
  assert.deepEqual([...new Set(onEach(endless.file, ['1000000']))], ['no fuel']);
});

test('memory ends where it was said, on every PC', () => {
  // It grows by a page until it cannot, and gives how many it has: as a length of output.
  const grow = [0x03, 0x40, 0x41, 1, 0x40, 0, 0x41, 0x7f, 0x47, 0x0d, 0, 0x0b];
  const run = [...grow, 0x3f, 0, 0xad, 0x42, 32, 0x86];
  for (const [options, pages] of [
    [['--pages', '7'], 7],
    [['--pages', '3'], 3],
  ]) {
    const said = onEach(passed(guest({ run }), /** @type {string[]} */ (options)).file);
    assert.deepEqual([...new Set(said.map((each) => each.split(' ')[1]))], [String(pages)]);
  }
  const limited = guest({ run, sections: { 5: [1, 1, 1, 5] } });
  const said = onEach(passed(limited, ['--pages', '7']).file);
  assert.deepEqual([...new Set(said.map((each) => each.split(' ')[1]))], ['5']);
});

// A slot's chunks on fake kernels: every task gets an outcome, whatever happens to it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ChunkRunner, chunkMsMax, outputBytesMax } from '../../web/worker/chunk_runner.js';
import { decodeOutcomes, encodeInput, encodeTask } from '../support/master_codec.mjs';

/**
 * @typedef {import('../../web/worker/messages.js').ChunkOutcomes} ChunkOutcomes
 * @typedef {import('../../web/worker/messages.js').KernelResult} KernelResult
 */

/** @param {(inputs: Uint8Array[]) => KernelResult} run */
function runnerOf(run) {
  /** @type {ChunkOutcomes[]} */
  const emitted = [];
  /** @type {string[]} */
  const fetched = [];
  const clock = { now: 0 };
  const runner = new ChunkRunner({
    kernels: { version: '1', sha256: () => '', run: (_kernel, _version, inputs) => run(inputs) },
    fetchBlob: async ({ sha256, size }) => {
      fetched.push(sha256);
      if (sha256.startsWith('00')) throw new Error(`blob ${sha256}: HTTP status 404, 4 times`);
      return new Uint8Array(size).fill(parseInt(sha256.slice(0, 2), 16));
    },
    emit: (outcomes) => emitted.push(outcomes),
    now: () => clock.now,
    cacheBytes: 1000,
  });
  return { runner, emitted, fetched, clock };
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  return new Uint8Array(Buffer.concat(parts)).buffer;
}

/**
 * A whole lease as one chunk.
 * @param {Partial<import('../support/master_codec.mjs').LeaseFields>} fields
 */
function chunkOf({ shared = [], tasks = [] }) {
  /** @type {import('../../web/worker/messages.js').RunChunk} */
  const chunk = {
    type: 'run',
    chunk: 1,
    lease: 1,
    count: tasks.length,
    tasks: joined(tasks.map(encodeTask)),
    context: {
      kernel: 'k',
      version: 1,
      sharedCount: shared.length,
      shared: joined(shared.map(encodeInput)),
    },
  };
  return chunk;
}

/** @param {ChunkOutcomes[]} emitted */
function outcomesOf(emitted) {
  return emitted.flatMap(({ bytes, count }) => decodeOutcomes(bytes, count));
}

/** @param {Uint8Array[]} inputs @returns {KernelResult} */
function concat(inputs) {
  return { ok: true, output: new Uint8Array(Buffer.concat(inputs)) };
}

/** @param {number} count @param {number} [bytes] */
function tasksOf(count, bytes = 1) {
  return Array.from({ length: count }, (_, index) => ({
    index,
    inputs: [Buffer.alloc(bytes, index)],
  }));
}

test('a task gets the shared inputs first, then its own, inline or fetched', async () => {
  const { runner, emitted } = runnerOf(concat);
  await runner.run(
    chunkOf({
      shared: [Buffer.from('s'), { sha256: '41'.repeat(32), size: 2 }],
      tasks: [{ index: 9, inputs: [Buffer.from('own'), { sha256: '42'.repeat(32), size: 1 }] }],
    }),
  );
  const [outcome] = outcomesOf(emitted);
  assert.deepEqual([outcome.index, outcome.status, outcome.bytes.toString()], [9, 0, 'sAAownB']);
});

test('a blob is fetched once for all tasks and chunks, while it is held', async () => {
  const { runner, fetched } = runnerOf(concat);
  const blob = { sha256: '41'.repeat(32), size: 100 };
  const chunk = chunkOf({ tasks: [0, 1].map((index) => ({ index, inputs: [blob] })) });
  await runner.run(chunk);
  await runner.run(chunk);
  assert.equal(fetched.length, 1);
});

test('a blob that cannot be had fails the tasks that need it, and no other', async () => {
  const { runner, emitted } = runnerOf(concat);
  const missing = { sha256: '00'.repeat(32), size: 1 };
  await runner.run(chunkOf({ tasks: [{ index: 0, inputs: [missing] }, ...tasksOf(2).slice(1)] }));
  const [failed, done] = outcomesOf(emitted);
  assert.equal(failed.status, 8);
  assert.match(failed.bytes.toString(), /HTTP status 404/);
  assert.equal(done.status, 0);
  assert.equal(emitted[0].failed, 1);
});

test('a missing shared blob fails every task of the chunk', async () => {
  const { runner, emitted } = runnerOf(concat);
  await runner.run(chunkOf({ shared: [{ sha256: '00'.repeat(32), size: 1 }], tasks: tasksOf(3) }));
  assert.deepEqual(
    outcomesOf(emitted).map(({ status }) => status),
    [8, 8, 8],
  );
});

test('an error of the kernel is the outcome, and the next task runs', async () => {
  const { runner, emitted } = runnerOf(([input]) =>
    input[0] === 0
      ? { ok: false, code: 'shape_mismatch', message: 'rows: 3, not 4' }
      : { ok: true, output: input },
  );
  await runner.run(chunkOf({ tasks: tasksOf(2) }));
  const [failed, done] = outcomesOf(emitted);
  assert.deepEqual([failed.status, failed.bytes.toString()], [2, 'rows: 3, not 4']);
  assert.equal(done.status, 0);
  assert.equal(emitted.at(-1)?.broken, false);
});

for (const [what, error, status] of /** @type {[string, Error, number][]} */ ([
  ['no memory', new RangeError('WebAssembly.Memory.grow(): out of memory'), 4],
  ['a trap', new WebAssembly.RuntimeError('memory access out of bounds'), 9],
  ['a stack overflow', new RangeError('Maximum call stack size exceeded'), 9],
])) {
  test(`${what} fails its task, and the rest goes to a fresh instance`, async () => {
    const { runner, emitted } = runnerOf(() => {
      throw error;
    });
    await runner.run(chunkOf({ tasks: tasksOf(3) }));
    const outcomes = outcomesOf(emitted);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      [status],
    );
    assert.equal(emitted.at(-1)?.broken, true);
    assert.equal(emitted.at(-1)?.more, false);
  });
}

test('a chunk that takes too long hands its other tasks back', async () => {
  const { runner, emitted, clock } = runnerOf(([input]) => {
    clock.now += chunkMsMax * 0.6;
    return { ok: true, output: input };
  });
  await runner.run(chunkOf({ tasks: tasksOf(10) }));
  assert.equal(outcomesOf(emitted).length, 2);
  assert.deepEqual(
    emitted.map(({ more }) => more),
    [false],
  );
  assert.equal(emitted[0].busySeconds, (2 * chunkMsMax * 0.6) / 1000);
});

test('large outputs are given away as they come, and one too large for a frame fails', async () => {
  const { runner, emitted } = runnerOf(([input]) => ({
    ok: true,
    output: new Uint8Array(input[0] === 1 ? outputBytesMax + 1 : 700_000),
  }));
  await runner.run(chunkOf({ tasks: tasksOf(4) }));
  assert.ok(emitted.length > 1, 'all outputs came at once');
  assert.deepEqual(
    emitted.map(({ more }) => more),
    [...emitted.slice(1).map(() => true), false],
  );
  assert.deepEqual(
    outcomesOf(emitted).map(({ status }) => status),
    [0, 6, 0, 0],
  );
});

test('a chunk of a lease whose shared inputs were forgotten is a mistake of ours', async () => {
  const { runner } = runnerOf(concat);
  const { context: _, ...chunk } = chunkOf({ tasks: tasksOf(1) });
  await assert.rejects(runner.run(chunk), /lease 1: its shared inputs never came/);
});

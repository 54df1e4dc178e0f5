// Blobs: fetched once, checked, kept within a limit.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { BlobStore } from '../../web/worker/blob_store.js';
import { ByteCache } from '../../web/worker/byte_cache.js';
import { sha256 as fakeSha256 } from '../support/fake_wasm/sha256.js';

/** @param {Uint8Array} bytes */
function hash(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @param {string} text */
function blob(text) {
  const bytes = new Uint8Array(Buffer.from(text));
  return { sha256: hash(bytes), size: bytes.length, bytes };
}

/**
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 * @param {(sha256: string, attempt: number) => Bytes | Promise<Bytes>} answer
 * @param {number} [cacheBytes]
 */
function storeOf(answer, cacheBytes = 1000) {
  /** @type {string[]} */
  const asked = [];
  /** @type {number[]} */
  const slept = [];
  const store = new BlobStore({
    download: async (sha256) => {
      asked.push(sha256);
      return answer(sha256, asked.filter((one) => one === sha256).length);
    },
    hash,
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
    },
    cacheBytes,
  });
  return { store, asked, slept };
}

test('two that ask at once share one download, and a third finds it kept', async () => {
  const data = blob('data');
  const { store, asked } = storeOf(() => data.bytes);
  const [first, second] = await Promise.all([store.get(data), store.get(data)]);
  assert.equal(first, second);
  await store.get(data);
  assert.deepEqual(asked, [data.sha256]);
});

test('a failing download is tried again, with growing pauses', async () => {
  const data = blob('data');
  const { store, slept } = storeOf((_, attempt) => {
    if (attempt < 3) throw new Error('HTTP status 503');
    return data.bytes;
  });
  assert.deepEqual(await store.get(data), data.bytes);
  assert.deepEqual(slept, [250, 1000]);
});

for (const [what, bytes, says] of /** @type {[string, string, RegExp][]} */ ([
  ['other bytes than its name says', 'DATA', /have the hash/],
  ['fewer bytes than were named', 'dat', /3 bytes came, 4 were named/],
])) {
  test(`${what} are never handed out`, async () => {
    const { store, asked } = storeOf(() => blob(bytes).bytes);
    const wanted = blob('data');
    await assert.rejects(store.get(wanted), (error) => {
      assert.match(String(error), says);
      assert.match(String(error), new RegExp(`blob ${wanted.sha256}: .* 4 times`));
      return true;
    });
    assert.equal(asked.length, 4);
    await assert.rejects(store.get(wanted));
    assert.equal(asked.length, 8, 'a failure is not remembered');
  });
}

test('only so many downloads run at a time, and all get their turn', async () => {
  let running = 0;
  let most = 0;
  const blobs = Array.from({ length: 30 }, (_, i) => blob(`blob ${i}`));
  const { store } = storeOf(async (sha256) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    --running;
    return /** @type {any} */ (blobs.find((one) => one.sha256 === sha256)).bytes;
  });
  const all = await Promise.all(blobs.map((one) => store.get(one)));
  assert.equal(all.length, 30);
  assert.ok(most > 1 && most <= 6, `${most} at a time`);
});

test('prefetching stops at half the cache, and swallows failures', async () => {
  const blobs = Array.from({ length: 10 }, (_, i) => blob(`${i}`.repeat(20)));
  const { store, asked } = storeOf(() => {
    throw new Error('unreachable');
  }, 100);
  store.prefetch(blobs);
  await assert.rejects(store.get(blobs[0]));
  assert.deepEqual(new Set(asked), new Set([blobs[0].sha256, blobs[1].sha256]));
});

test('a cache gives up what was used longest ago, and never takes more than its limit', () => {
  const cache = /** @type {ByteCache<string>} */ (new ByteCache(100));
  cache.put('a', 'A', 40);
  cache.put('b', 'B', 40);
  cache.get('a');
  cache.put('c', 'C', 40);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => cache.has(name)),
    [true, false, true],
  );
  cache.put('huge', 'H', 101);
  assert.equal(cache.has('huge'), false);
  cache.put('a', 'A2', 60);
  assert.equal(cache.get('a'), 'A2');
  assert.equal(cache.bytes, 100);
});

test('the SHA-256 of the fake kernels is the real one', () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 1000]) {
    const bytes = new Uint8Array(randomBytes(size));
    assert.equal(fakeSha256(bytes), hash(bytes), `${size} bytes`);
  }
});

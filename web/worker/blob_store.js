/**
 * Blobs by SHA-256: each is fetched once, checked, and kept in a bounded cache.
 *
 * @typedef {import('./messages.js').BlobName} BlobName
 */

import { ByteCache } from './byte_cache.js';

const retryMs = [250, 1000, 3000];
const fetchesMax = 6; // At a time: browsers open about as many connections to one host.

export class BlobStore {
  /** @type {ByteCache<Uint8Array<ArrayBuffer>>} */
  #cache;
  /** @type {Map<string, Promise<Uint8Array<ArrayBuffer>>>} */
  #coming = new Map();
  #fetching = 0;
  /** @type {(() => void)[]} */
  #waiting = [];
  #parts;

  /**
   * @param {{
   *   download: (sha256: string) => Promise<Uint8Array<ArrayBuffer>>,
   *   hash: (bytes: Uint8Array) => string,
   *   sleep: (milliseconds: number) => Promise<void>,
   *   cacheBytes: number,
   * }} parts
   */
  constructor(parts) {
    this.#parts = parts;
    this.#cache = new ByteCache(parts.cacheBytes);
  }

  /**
   * The bytes belong to the store: the caller copies them and does not change them.
   * @param {BlobName} blob
   * @returns {Promise<Uint8Array<ArrayBuffer>>} rejects, naming the blob, after some attempts
   */
  get(blob) {
    const held = this.#cache.get(blob.sha256);
    if (held) return Promise.resolve(held);
    let coming = this.#coming.get(blob.sha256);
    if (!coming) {
      coming = this.#fetch(blob).finally(() => this.#coming.delete(blob.sha256));
      this.#coming.set(blob.sha256, coming);
    }
    return coming;
  }

  /**
   * Prefetches at most half of the cache: more would evict blobs that are needed earlier.
   * @param {BlobName[]} blobs in order of need
   */
  prefetch(blobs) {
    let bytes = 0;
    for (const blob of blobs) {
      bytes += blob.size;
      if (bytes > this.#parts.cacheBytes / 2) return;
      // A failure is reported when a task needs the blob and asks for it again.
      this.get(blob).catch(() => {});
    }
  }

  /** @param {BlobName} blob */
  async #fetch(blob) {
    await this.#turn();
    try {
      return await this.#attempts(blob);
    } finally {
      --this.#fetching;
      this.#waiting.shift()?.();
    }
  }

  async #turn() {
    while (this.#fetching >= fetchesMax) {
      await new Promise((resolve) => this.#waiting.push(() => resolve(undefined)));
    }
    ++this.#fetching;
  }

  /** @param {BlobName} blob */
  async #attempts(blob) {
    for (let attempt = 0; ; ++attempt) {
      try {
        return await this.#fetchOnce(blob);
      } catch (error) {
        if (attempt < retryMs.length) {
          await this.#parts.sleep(retryMs[attempt]);
          continue;
        }
        const why = error instanceof Error ? error.message : String(error);
        throw new Error(`blob ${blob.sha256}: ${why}, ${attempt + 1} times`);
      }
    }
  }

  /** @param {BlobName} blob */
  async #fetchOnce({ sha256, size }) {
    const bytes = await this.#parts.download(sha256);
    if (bytes.length !== size) throw new Error(`${bytes.length} bytes came, ${size} were named`);
    const found = this.#parts.hash(bytes);
    if (found !== sha256) throw new Error(`its bytes have the hash ${found}`);
    this.#cache.put(sha256, bytes, size);
    return bytes;
  }
}

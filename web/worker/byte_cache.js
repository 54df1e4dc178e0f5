/**
 * An LRU cache: when the sizes of the values exceed a limit, the least recently used are dropped.
 * @template T
 */
export class ByteCache {
  /** @type {Map<string, {value: T, size: number}>} in order of last use */
  #entries = new Map();
  #bytesMax;
  bytes = 0;

  /** @param {number} bytesMax */
  constructor(bytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** @param {string} name */
  has(name) {
    return this.#entries.has(name);
  }

  /** @param {string} name @returns {T | undefined} */
  get(name) {
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.value;
  }

  /**
   * A value that is larger than the whole limit is not kept.
   * @param {string} name
   * @param {T} value
   * @param {number} size
   */
  put(name, value, size) {
    this.delete(name);
    if (size > this.#bytesMax) return;
    this.#entries.set(name, { value, size });
    this.bytes += size;
    for (const oldest of this.#entries.keys()) {
      if (this.bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
  }

  /** @param {string} name */
  delete(name) {
    const entry = this.#entries.get(name);
    if (!entry) return;
    this.#entries.delete(name);
    this.bytes -= entry.size;
  }
}

/** SHA-256 (FIPS 180-4) where crypto.subtle may not be: for the fake kernels only. */

/** The first 32 bits of the fractional part of a prime's root. @param {number} root */
function fraction(root) {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

/** @param {number} count */
function primes(count) {
  /** @type {number[]} */
  const found = [];
  for (let n = 2; found.length < count; ++n) if (found.every((p) => n % p !== 0)) found.push(n);
  return found;
}

const roundKeys = new Uint32Array(primes(64).map((prime) => fraction(Math.cbrt(prime))));
const start = primes(8).map((prime) => fraction(Math.sqrt(prime)));

/** @param {number} word @param {number} bits */
function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** @param {Uint32Array} state @param {Uint32Array} w the block's words, extended to 64 */
function mix(state, w) {
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; ++i) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t1 = (h + sum1 + choice + roundKeys[i] + w[i]) | 0;
    [a, b, c, d, e, f, g, h] = [(t1 + sum0 + majority) | 0, a, b, c, (d + t1) | 0, e, f, g];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}

/** @param {Uint8Array} bytes @returns {string} 64 hexadecimal digits */
export function sha256(bytes) {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = new Uint32Array(start);
  const w = new Uint32Array(64);
  for (let block = 0; block < blocks; ++block) {
    for (let i = 0; i < 16; ++i) w[i] = view.getUint32(block * 64 + i * 4);
    for (let i = 16; i < 64; ++i) {
      const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    mix(state, w);
  }
  return [...state].map((word) => word.toString(16).padStart(8, '0')).join('');
}

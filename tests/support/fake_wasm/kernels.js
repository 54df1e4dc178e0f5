/**
 * Stands in for the WebAssembly build where a test needs kernels that misbehave on demand.
 * The real build is tested against the real kernels elsewhere.
 */
import { sha256 } from './sha256.js';

/** @typedef {import('../../../web/worker/messages.js').Kernels} Kernels */

/** @type {Record<string, (inputs: Uint8Array[]) => Uint8Array>} */
const kernels = {
  noop: (inputs) => inputs[0] ?? new Uint8Array(),
  /** All inputs, one after the other: shows that each came, and in order. */
  concat: (inputs) => {
    const all = new Uint8Array(inputs.reduce((size, input) => size + input.length, 0));
    let offset = 0;
    for (const input of inputs) {
      all.set(input, offset);
      offset += input.length;
    }
    return all;
  },
  /** Computes for as many milliseconds as its input, a u32, says. */
  spin: ([input]) => {
    const milliseconds = new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    const end = performance.now() + milliseconds;
    while (performance.now() < end);
    return new Uint8Array();
  },
  trap: () => {
    throw new WebAssembly.RuntimeError('unreachable');
  },
  exhaust: () => {
    throw new RangeError('out of memory');
  },
};

/** @returns {Promise<Kernels>} */
export async function loadKernels() {
  return {
    version: '0.0.0-fake',
    run(kernel, version, inputs) {
      if (!Object.hasOwn(kernels, kernel)) {
        return { ok: false, code: 'not_found', message: `kernel ${kernel}/${version} is not here` };
      }
      return { ok: true, output: kernels[kernel](inputs) };
    },
    sha256,
  };
}

/**
 * The WebAssembly build of the kernels, as each thread loads it.
 *
 * @typedef {import('./messages.js').Kernels} Kernels
 */

import { siteUrl } from '../site.js';

const loaderUrl = siteUrl('wasm/kernels.js');
const binaryUrl = siteUrl('wasm/netcompute_kernels.wasm');

/**
 * An instance of the thread's own.
 * @param {WebAssembly.Module} module
 * @returns {Promise<Kernels>}
 */
export async function loadKernels(module) {
  const loader = await import(loaderUrl);
  return loader.loadKernels({ module });
}

/** Fetched and compiled once, for all threads. @returns {Promise<WebAssembly.Module>} */
export async function compileKernels() {
  const response = await fetch(binaryUrl);
  if (!response.ok) throw new Error(`${binaryUrl}: HTTP status ${response.status}`);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * Whether WebAssembly and its 128-bit SIMD are available: validates the smallest module with one
 * SIMD instruction, `v128.const` then `drop`, inside a function without parameters.
 */
export function hasWasmSimd() {
  if (typeof WebAssembly !== 'object') return false;
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  const type = [0x01, 0x04, 0x01, 0x60, 0x00, 0x00];
  const functions = [0x03, 0x02, 0x01, 0x00];
  const body = [0x00, 0xfd, 0x0c, ...new Array(16).fill(0), 0x1a, 0x0b];
  const code = [0x0a, body.length + 2, 0x01, body.length, ...body];
  return WebAssembly.validate(new Uint8Array([...magic, ...type, ...functions, ...code]));
}

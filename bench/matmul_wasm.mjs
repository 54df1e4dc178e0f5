// The WebAssembly build beside bench/matmul_bench.cpp, which starts this.
//
//     node matmul_wasm.mjs WASM_FOLDER N PASSES
//
// Prints one JSON line: the GFLOP/s of the best pass, in f32 and f64, in this Node's V8.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, n, passes] = [process.argv[2], +process.argv[3], +process.argv[4]];
const { loadKernels } = await import(pathToFileURL(path.join(folder, 'kernels.js')).href);
const wasmBinary = readFileSync(path.join(folder, 'netcompute_kernels.wasm'));
const kernels = await loadKernels({ wasmBinary });

/** @type {Record<string, number>} */
const found = {};
for (const { name, Values } of [
  { name: 'float32', Values: Float32Array },
  { name: 'float64', Values: Float64Array },
]) {
  const task = new Uint8Array(40);
  new Uint32Array(task.buffer, 0, 4).set([Values.BYTES_PER_ELEMENT, n, n, n]);
  const block = () =>
    new Uint8Array(new Values(Array.from({ length: n * n }, () => 2 * Math.random() - 1)).buffer);
  const inputs = [task, block(), block(), new Uint8Array(0)];
  let best = Infinity;
  for (let pass = 0; pass < passes; pass += 1) {
    const start = performance.now();
    const result = kernels.run('matmul', 1, inputs);
    best = Math.min(best, performance.now() - start);
    if (!result.ok) throw new Error(result.message);
  }
  found[name] = (2e-6 * n ** 3) / best;
}
process.stdout.write(`${JSON.stringify(found)}\n`);

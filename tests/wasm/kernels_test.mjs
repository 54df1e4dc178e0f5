// The WebAssembly build of the kernels: the same bytes as the native build for every case that
// write_kernel_cases wrote, and an interface that survives what a kernel cannot do.
//
//     node kernels_test.mjs CASES WASM_FOLDER
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [casesFile, wasmFolder] = process.argv.slice(2);
const kernelsFile = pathToFileURL(path.join(wasmFolder, 'kernels.js'));
const { loadKernels, errorCodes } = await import(kernelsFile);
const wasmFile = path.join(wasmFolder, 'netcompute_kernels.wasm');

/** @param {Buffer} file */
function readCases(file) {
    let at = 0;
    const number = () => {
        at += 4;
        return file.readUInt32LE(at - 4);
    };
    const sized = () => {
        const size = number();
        const bytes = new Uint8Array(file.subarray(at, at + size));
        at += Math.ceil(size / 4) * 4;
        return bytes;
    };
    const cases = Array.from({ length: number() }, () => ({
        kernel: Buffer.from(sized()).toString(),
        version: number(),
        inputs: Array.from({ length: number() }, sized),
        status: number(),
        output: sized(),
    }));
    assert.equal(at, file.length);
    return cases;
}

const tests = {
    async 'every case gives the bytes of the native build'() {
        const kernels = await loadKernels({ wasmBinary: readFileSync(wasmFile) });
        const cases = readCases(readFileSync(casesFile));
        const succeeded = new Set();
        let refused = 0;
        cases.forEach((task, i) => {
            const shape = task.inputs.map((input) => input.length).join(', ');
            const what = `case ${i}: ${task.kernel}@${task.version} with inputs of ${shape} bytes`;
            const result = kernels.run(task.kernel, task.version, task.inputs);
            const { status, output } = result.ok
                ? { status: 0, output: result.output }
                : { status: result.status, output: new TextEncoder().encode(result.message) };
            assert.equal(status, task.status, what);
            if (status === 0) succeeded.add(task.kernel);
            else refused += 1;
            if (errorCodes[status - 1] === 'not_found') return;
            assert.equal(Buffer.compare(output, task.output), 0, what);
        });
        assert.deepEqual([...succeeded].sort(), kernels.list.map(({ name }) => name).sort());
        assert.ok(cases.length > 200 && refused > 20, `${cases.length} cases, ${refused} refused`);
    },

    async 'the file beside the script is found without being named'() {
        const kernels = await loadKernels();
        assert.match(kernels.version, /^\d+\.\d+\.\d+$/);
        assert.ok(kernels.list.some(({ name, version }) => name === 'noop' && version === 1));
    },

    async 'a module compiled once starts many instances'() {
        const first = await loadKernels({ wasmBinary: readFileSync(wasmFile) });
        const second = await loadKernels({ module: first.module });
        const payload = randomBytes(100);
        assert.deepEqual(first.run('noop', 1, [payload]), second.run('noop', 1, [payload]));
    },

    async 'an output belongs to the caller'() {
        const kernels = await loadKernels();
        const first = kernels.run('noop', 1, [Uint8Array.of(1, 2, 3)]);
        kernels.run('noop', 1, [Uint8Array.of(9, 9, 9)]);
        assert.deepEqual(first, { ok: true, output: Uint8Array.of(1, 2, 3) });
    },

    async 'a hash equals that of Node'() {
        const kernels = await loadKernels();
        for (const size of [0, 1, 55, 56, 63, 64, 65, 1000, 3_000_000]) {
            const bytes = randomBytes(size);
            assert.equal(kernels.sha256(bytes), createHash('sha256').update(bytes).digest('hex'));
        }
    },

    async 'a task that does not fit fails by itself, and the next one runs'() {
        const kernels = await loadKernels();
        // In an instance of 2 GiB two of these have no room; one has, but not noop's copy of it.
        const large = new Uint8Array(1100 * 1024 * 1024);
        for (const inputs of [[large, large], [large]]) {
            const result = kernels.run('noop', 1, inputs);
            assert.equal(result.ok, false);
            assert.equal(result.code, 'out_of_memory');
            assert.equal(result.status, 4);
            assert.match(result.message, /noop: not enough memory/);
            const next = kernels.run('noop', 1, [Uint8Array.of(5)]);
            assert.deepEqual(next, { ok: true, output: Uint8Array.of(5) });
        }
    },

    async 'bytes that are not WebAssembly are refused in words'() {
        await assert.rejects(loadKernels({ wasmBinary: Uint8Array.of(1, 2, 3) }), /SIMD/);
    },
};

for (const [name, test] of Object.entries(tests)) {
    try {
        await test();
        console.log(`ok      ${name}`);
    } catch (error) {
        console.error(`FAILED  ${name}\n${error.stack}`);
        process.exitCode = 1;
    }
}

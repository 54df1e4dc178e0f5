/**
 * The compute kernels, built from the same C++ as the native worker, with the same bits.
 *
 *     const kernels = await loadKernels({ url: '/wasm/netcompute_kernels.wasm' });
 *     const result = kernels.run('noop', 1, [payload]);
 *     if (result.ok) send(result.output); else report(result.code, result.message);
 *
 * Works in a page, a Web Worker (module, or classic through import()) and Node. An instance
 * computes on the thread that calls it: give each Web Worker its own.
 */
import createInstance from './netcompute_kernels.js';

/**
 * @typedef {{ok: true, output: Uint8Array}} KernelSuccess
 *     `output` is the caller's own: later runs leave it alone, and it may be transferred.
 * @typedef {{ok: false, code: string, status: number, message: string}} KernelFailure
 *     `code` is the error's name in the API ("shape_mismatch"), `status` its number on the wire.
 * @typedef {{name: string, version: number}} KernelName
 */

/** The names of ErrorCode (netcompute/result.hpp), in its order; on the wire each is 1 more. */
export const errorCodes = Object.freeze([
    'invalid_argument', 'shape_mismatch', 'not_found', 'out_of_memory', 'permission_denied',
    'limit_exceeded', 'protocol_violation', 'unavailable', 'internal',
]);

const alignmentBytes = 64;
const entryBytes = 12;  // u32 data, u32 size, u32 where its name lies or 0
const nameBytes = 32;  // SHA-256

/**
 * Kernels in an instance of the WebAssembly module. When a kernel stops the instance (no memory
 * for it, or a fault of ours), that run fails and the next one gets a fresh instance.
 */
export class Kernels {
    #module;
    #instance;
    #arena = { address: 0, size: 0 };

    /** @param {WebAssembly.Module} module a compiled netcompute_kernels.wasm */
    constructor(module) {
        this.#module = module;
        this.#start();
        /** The product's version. @type {string} */
        this.version = this.#text(this.#instance._netcompute_version());
        /** Every kernel there is. @type {ReadonlyArray<KernelName>} */
        this.list = Object.freeze(this.#kernels());
    }

    /** The compiled module, which may be posted to other workers. @returns {WebAssembly.Module} */
    get module() {
        return this.#module;
    }

    /**
     * Runs one task.
     * @param {string} kernelName
     * @param {number} version
     * @param {Uint8Array[]} inputs the round's shared inputs first, then the task's own
     * @param {(string | undefined)[]} [names] of those inputs that are blobs: 64 hexadecimal
     *     digits. What a kernel remembers of them is found without hashing them again.
     * @returns {KernelSuccess | KernelFailure}
     */
    run(kernelName, version, inputs, names = []) {
        const name = new TextEncoder().encode(kernelName);
        const entriesBytes = entryBytes * inputs.length;
        try {
            const blocks = this.#place([name, ...inputs], entriesBytes + nameBytes * names.length);
            if (blocks === null) return outOfMemory(kernelName, inputs);
            const [nameAddress, ...addresses] = blocks.addresses;
            const table = new Uint32Array(this.#memory.buffer, blocks.extra, 3 * inputs.length);
            inputs.forEach((input, i) => {
                table[3 * i] = addresses[i];
                table[3 * i + 1] = input.length;
                table[3 * i + 2] = 0;
                const sha256 = names[i];
                if (sha256 === undefined) return;
                const address = blocks.extra + entriesBytes + nameBytes * i;
                this.#memory.set(bytesOfHex(sha256), address);
                table[3 * i + 2] = address;
            });
            const status = this.#instance._netcompute_run(
                nameAddress, name.length, version, blocks.extra, inputs.length);
            return status === 0 ? { ok: true, output: this.#takeOutput() } : this.#failure(status);
        } catch (stop) {
            return this.#recover(stop, kernelName, inputs);
        }
    }

    /**
     * The SHA-256 of some bytes, in hexadecimal. Pages on a plain office network have no
     * crypto.subtle.
     * @param {Uint8Array} bytes
     * @returns {string}
     */
    sha256(bytes) {
        const blocks = this.#place([bytes], 32);
        if (blocks === null) throw new RangeError(`no memory to hash ${bytes.length} bytes`);
        this.#instance._netcompute_sha256(blocks.addresses[0], bytes.length, blocks.extra);
        const digest = this.#memory.subarray(blocks.extra, blocks.extra + 32);
        return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    }

    /** @returns {number} what the instance has taken from the browser */
    get memoryBytes() {
        return this.#memory.length;
    }

    /** @returns {Uint8Array} all of the instance's memory; stale once it grows */
    get #memory() {
        return this.#instance.HEAPU8;
    }

    #start() {
        const instance = {
            print: () => {},
            printErr: () => {},
            instantiateWasm: (imports, receive) => {
                const started = new WebAssembly.Instance(this.#module, imports);
                receive(started);
                return started.exports;
            },
        };
        // The instance is complete on return, because instantiateWasm() is. The promise rejects
        // if the instance stops later, which run() reports.
        createInstance(instance).catch(() => {});
        this.#instance = instance;
        this.#arena = { address: 0, size: 0 };
    }

    /**
     * Copies byte arrays into the instance's memory, each to an aligned address, with room for
     * `extraBytes` before them. One block is kept for all runs.
     * @param {Uint8Array[]} arrays
     * @param {number} extraBytes
     * @returns {{extra: number, addresses: number[]} | null} null if memory is short
     */
    #place(arrays, extraBytes) {
        let size = aligned(extraBytes);
        for (const array of arrays) size += aligned(array.length);
        if (size > this.#arena.size && !this.#growArena(size)) return null;
        let address = this.#arena.address + aligned(extraBytes);
        const addresses = arrays.map((array) => {
            const start = address;
            this.#memory.set(array, start);
            address += aligned(array.length);
            return start;
        });
        return { extra: this.#arena.address, addresses };
    }

    /** @param {number} size in bytes @returns {boolean} whether there was room */
    #growArena(size) {
        if (size > 0xffffffff) return false;
        this.#instance._netcompute_free(this.#arena.address);
        const address = this.#instance._netcompute_allocate(size) >>> 0;
        this.#arena = { address, size: address === 0 ? 0 : size };
        return address !== 0;
    }

    /** @returns {Uint8Array} */
    #takeOutput() {
        const start = this.#instance._netcompute_output() >>> 0;
        const size = this.#instance._netcompute_output_size() >>> 0;
        const output = this.#memory.slice(start, start + size);
        this.#instance._netcompute_drop_output();
        return output;
    }

    /** @param {number} status @returns {KernelFailure} */
    #failure(status) {
        const message = this.#text(this.#instance._netcompute_message(),
            this.#instance._netcompute_message_size());
        return failure(errorCodes[status - 1] ?? 'internal', message);
    }

    /** The run's failure, and a fresh instance for the next run. @returns {KernelFailure} */
    #recover(stop, kernelName, inputs) {
        const isRange = stop instanceof RangeError;
        if (!(stop instanceof WebAssembly.RuntimeError) && !isRange) throw stop;
        const short = this.#instance._netcompute_out_of_memory() !== 0 || isRange;
        this.#start();
        if (short) return outOfMemory(kernelName, inputs);
        return failure('internal', `${kernelName}: the instance stopped: ${stop.message}`);
    }

    /** @param {number} address @param {number} [size] until a zero if not given */
    #text(address, size) {
        const start = address >>> 0;
        const end = size === undefined ? this.#memory.indexOf(0, start) : start + size;
        return new TextDecoder().decode(this.#memory.slice(start, end));
    }

    #kernels() {
        const instance = this.#instance;
        return Array.from({ length: instance._netcompute_kernel_count() }, (_, i) =>
            Object.freeze({
                name: this.#text(instance._netcompute_kernel_name(i),
                    instance._netcompute_kernel_name_size(i)),
                version: instance._netcompute_kernel_version(i) >>> 0,
            }));
    }
}

/**
 * Compiles the kernels and starts an instance.
 * @param {object} [source] one of these; by default the file beside this script
 * @param {WebAssembly.Module} [source.module] compiled already, perhaps by another worker
 * @param {BufferSource} [source.wasmBinary] the bytes of netcompute_kernels.wasm
 * @param {string | URL} [source.url] where to fetch them
 * @returns {Promise<Kernels>} rejects with an Error whose message a person can read
 */
export async function loadKernels({ module, wasmBinary, url } = {}) {
    if (module === undefined) {
        const bytes = wasmBinary ??
            await readBytes(new URL(url ?? 'netcompute_kernels.wasm', import.meta.url));
        module = await compile(bytes);
    }
    return new Kernels(module);
}

/** @param {BufferSource} bytes */
async function compile(bytes) {
    if (typeof WebAssembly !== 'object') {
        throw new Error('This browser has no WebAssembly: use a current one to contribute.');
    }
    try {
        return await WebAssembly.compile(bytes);
    } catch (error) {
        throw new Error('This browser cannot compile the kernels; it may lack WebAssembly SIMD ' +
            `(Chrome 91, Firefox 89, Safari 16.4 and later have it): ${error.message}`);
    }
}

/** @param {URL} url */
async function readBytes(url) {
    if (url.protocol === 'file:') {
        const { readFile } = await import('node:fs/promises');
        return readFile(url);
    }
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: the server answered ${response.status}`);
    return response.arrayBuffer();
}

/** @param {string} hex */
function bytesOfHex(hex) {
    const byteAt = (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16);
    return Uint8Array.from({ length: nameBytes }, byteAt);
}

/** @param {number} size */
function aligned(size) {
    return Math.ceil(size / alignmentBytes) * alignmentBytes;
}

/** @returns {KernelFailure} */
function failure(code, message) {
    return { ok: false, code, status: 1 + errorCodes.indexOf(code), message };
}

/** @returns {KernelFailure} */
function outOfMemory(kernelName, inputs) {
    const size = inputs.reduce((sum, input) => sum + input.length, 0);
    return failure('out_of_memory',
        `${kernelName}: not enough memory for a task with ${size} bytes of input`);
}

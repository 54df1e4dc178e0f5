/**
 * The messages between the threads of the worker page. Types only.
 *
 *   page  <->  link      one Web Worker: the WebSocket, heartbeats, leases; it never computes
 *   link  <->  compute   one Web Worker a slot, each with its own WebAssembly instance
 *   link   ->  keeper    one Web Worker that fetches blobs and checks their hashes
 *   compute <-> keeper   a MessagePort a slot
 *
 * @typedef {{worker: string, secret: string, name: string, token: string,
 *            slots: number}} Settings
 *
 * @typedef {{type: 'start', settings: Settings, cores: number}
 *         | {type: 'settings', settings: Settings}
 *         | {type: 'pause', paused: boolean}
 *         | {type: 'retry'}
 *         | {type: 'leave'}} PageToLink
 *
 * @typedef {{kernel: string, job: number, round: number, task: number}} CurrentWork
 *
 * @typedef {{
 *   phase: 'loading' | 'connecting' | 'joined' | 'waiting' | 'refused' | 'left',
 *   reason: string, refusedCode: string, retrySeconds: number,
 *   paused: boolean, draining: boolean, problem: string,
 *   version: string, masterVersion: string,
 *   worker: string,
 *   slots: number, slotsBusy: number, leases: number, current: CurrentWork | null,
 *   tasksDone: number, tasksFailed: number, tasksPerSecond: number, cpu: number,
 *   memoryBytes: number,
 * }} LinkStatus
 *
 * @typedef {{type: 'start', wasmModule: WebAssembly.Module, blobs: MessagePort, cacheBytes: number}
 *         | RunChunk
 *         | {type: 'forget', lease: number}} LinkToCompute
 *
 * A lease's shared inputs are sent once to each slot, with the lease's first chunk there.
 * @typedef {{kernel: string, version: number, sharedCount: number,
 *            shared: ArrayBuffer}} LeaseContext
 * @typedef {{type: 'run', chunk: number, lease: number, count: number, tasks: ArrayBuffer,
 *            context?: LeaseContext}} RunChunk
 *
 * Outcomes of some of a chunk's tasks, in order. `more`: the chunk still runs; otherwise tasks
 * without an outcome are handed back. `broken`: this instance must be replaced.
 * @typedef {{type: 'outcomes', chunk: number, count: number, failed: number,
 *            bytes: Uint8Array<ArrayBuffer>, busySeconds: number, more: boolean, broken: boolean,
 *            memoryBytes: number}} ChunkOutcomes
 *
 * @typedef {{type: 'ready', version: string}
 *         | {type: 'unable', message: string}
 *         | ChunkOutcomes} ComputeToLink
 *
 * @typedef {{sha256: string, size: number}} BlobName
 * @typedef {{type: 'start', wasmModule: WebAssembly.Module, cacheBytes: number}
 *         | {type: 'serve', port: MessagePort}
 *         | {type: 'prefetch', blobs: BlobName[]}} LinkToKeeper
 * @typedef {{type: 'unable', message: string}} KeeperToLink
 * @typedef {BlobName & {request: number}} BlobRequest
 * @typedef {{request: number, bytes: Uint8Array<ArrayBuffer>}
 *         | {request: number, error: string}} BlobReply
 *
 * The kernels of one WebAssembly instance, as /wasm/kernels.js gives them.
 * @typedef {{ok: true, output: Uint8Array}
 *         | {ok: false, code: string, message: string}} KernelResult
 * @typedef {{
 *   run(kernel: string, version: number, inputs: Uint8Array[],
 *     names?: (string | undefined)[]): KernelResult,
 *   sha256(bytes: Uint8Array): string,
 *   version: string,
 *   memoryBytes?: number,
 * }} Kernels
 *
 * The global scope of a dedicated worker; the DOM's types describe a window's.
 * @typedef {{
 *   postMessage(message: unknown, transfer?: Transferable[]): void,
 *   onmessage: ((event: MessageEvent) => void) | null,
 *   close(): void,
 * }} WorkerScope
 */

export {};

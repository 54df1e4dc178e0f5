/** A compute thread: one slot, one WebAssembly instance. It knows only the lease of its chunk. */

import { ChunkRunner } from './chunk_runner.js';
import { loadKernels } from './kernels.js';

/**
 * @typedef {import('./messages.js').LinkToCompute} LinkToCompute
 * @typedef {import('./messages.js').ComputeToLink} ComputeToLink
 * @typedef {import('./messages.js').BlobReply} BlobReply
 */

const scope = /** @type {import('./messages.js').WorkerScope} */ (
  /** @type {unknown} */ (globalThis)
);

/** @param {ComputeToLink} message @param {Transferable[]} [transfer] */
function post(message, transfer) {
  scope.postMessage(message, transfer);
}

/** Asks the keeper for blobs over a port of this slot's own. @param {MessagePort} port */
function blobFetcher(port) {
  let requests = 0;
  /** @type {Map<number, (reply: BlobReply) => void>} */
  const open = new Map();
  port.onmessage = ({ data }) => {
    const reply = /** @type {BlobReply} */ (data);
    open.get(reply.request)?.(reply);
    open.delete(reply.request);
  };
  /** @param {import('./messages.js').BlobName} blob @returns {Promise<Uint8Array<ArrayBuffer>>} */
  return (blob) =>
    new Promise((resolve, reject) => {
      const request = ++requests;
      open.set(request, (reply) => {
        if ('bytes' in reply) resolve(reply.bytes);
        else reject(new Error(reply.error));
      });
      port.postMessage({ ...blob, request });
    });
}

/** @param {Extract<LinkToCompute, {type: 'start'}>} message */
async function start({ wasmModule, blobs, cacheBytes }) {
  const kernels = await loadKernels(wasmModule);
  post({ type: 'ready', version: kernels.version });
  return new ChunkRunner({
    kernels,
    fetchBlob: blobFetcher(blobs),
    emit: (outcomes) => post(outcomes, [outcomes.bytes.buffer]),
    now: () => performance.now(),
    cacheBytes,
  });
}

/** @type {Promise<ChunkRunner>} */
let runner;
/** Messages are handled in the order of arrival, even if a chunk waits for blobs. */
let last = Promise.resolve();

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  const message = /** @type {LinkToCompute} */ (data);
  if (message.type === 'start') {
    runner = start(message);
    runner.catch((error) => post({ type: 'unable', message: String(error.message ?? error) }));
    return;
  }
  last = last.then(async () => {
    const ready = await runner;
    if (message.type === 'run') await ready.run(message);
    else ready.forget(message.lease);
  });
};

/**
 * The keeper thread: fetches blobs and checks their hashes, so that the link thread never waits.
 */

import { siteUrl } from '../site.js';
import { BlobStore } from './blob_store.js';
import { loadKernels } from './kernels.js';

/**
 * @typedef {import('./messages.js').LinkToKeeper} LinkToKeeper
 * @typedef {import('./messages.js').BlobRequest} BlobRequest
 */

const scope = /** @type {import('./messages.js').WorkerScope} */ (
  /** @type {unknown} */ (globalThis)
);

/** @param {string} sha256 @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function download(sha256) {
  const response = await fetch(siteUrl(`blobs/${sha256}`));
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {Extract<LinkToKeeper, {type: 'start'}>} message */
async function start({ wasmModule, cacheBytes }) {
  const kernels = await loadKernels(wasmModule);
  return new BlobStore({
    download,
    hash: (bytes) => kernels.sha256(bytes),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    cacheBytes,
  });
}

/** @type {Promise<BlobStore>} */
let store;

/** @param {MessagePort} port */
function serve(port) {
  port.onmessage = async ({ data }) => {
    const { request, sha256, size } = /** @type {BlobRequest} */ (data);
    try {
      const bytes = await (await store).get({ sha256, size });
      port.postMessage({ request, bytes });
    } catch (error) {
      port.postMessage({ request, error: error instanceof Error ? error.message : String(error) });
    }
  };
}

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  const message = /** @type {LinkToKeeper} */ (data);
  if (message.type === 'start') {
    store = start(message);
    store.catch((error) => scope.postMessage({ type: 'unable', message: error.message }));
  } else if (message.type === 'serve') {
    serve(message.port);
  } else {
    store.then((ready) => ready.prefetch(message.blobs)).catch(() => {});
  }
};

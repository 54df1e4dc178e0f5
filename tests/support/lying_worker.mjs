/** A browser worker without a browser: computes with the real kernels, and lies now and then. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { WebSocket } from 'ws';

import { OutcomeWriter, PayloadReader } from '../../web/payload.js';
import { binaryFolder } from './cluster.mjs';
import { decodeFrame, encodeFrame } from './wire.mjs';

/** @typedef {Record<string, any> & {payload: Uint8Array<ArrayBuffer>}} Lease */

const wasmFolder = process.env.NETCOMPUTE_WASM_DIR ?? path.join(binaryFolder, 'web/wasm');

async function loadKernels() {
  const loader = await import(path.join(wasmFolder, 'kernels.js'));
  const wasmBinary = readFileSync(path.join(wasmFolder, 'netcompute_kernels.wasm'));
  return loader.loadKernels({ wasmBinary });
}

/** @param {any} error what a fetch failed with */
function isMastersEnd({ cause }) {
  return ['ECONNREFUSED', 'ECONNRESET', 'UND_ERR_SOCKET'].includes(cause?.code);
}

/** A blob that is not there any more: its job is over, and the revocation on its way. */
class Gone extends Error {}
/** @param {unknown} error */
function unlessGone(error) {
  if (!(error instanceof Gone)) throw error;
}

export class LyingWorker {
  lies = 0;
  truths = 0;
  /** Resolves when it has told its first lie. @type {Promise<void>} */
  hasLied;
  #tellLied = () => {};
  session = '';
  /** Its dismissal. @type {Promise<{code: string, message: string, retry: boolean}>} */
  goodbye;
  /** Resolves when it was let in. @type {Promise<void>} */
  joined;
  #origin;
  #socket;
  #kernels;
  #isLie;
  /** @type {Lease[]} */
  #leases = [];
  /** @type {Map<string, Promise<Uint8Array>>} */
  #blobs = new Map();
  #beat = setInterval(() => this.#heartbeat(), 2000);
  #works = false;

  /**
   * @param {string} origin of the master @param {string} name @param {any} kernels
   * @param {(task: number) => boolean} isLie whether it lies in its n-th task
   */
  constructor(origin, name, kernels, isLie) {
    this.name = name;
    this.#origin = origin;
    this.#kernels = kernels;
    this.#isLie = isLie;
    this.#socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/worker`);
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => clearInterval(this.#beat));
    this.#socket.on('open', () => {
      const key = `worker-${name}`;
      const about = { protocol: 1, kind: 'browser', version: '0.0.0', slots: 1 };
      const hello = { type: 'hello', worker: key, token: '', name, resume: '', ...about };
      this.#socket.send(encodeFrame(hello));
    });
    this.hasLied = new Promise((resolve) => (this.#tellLied = resolve));
    /** @type {(goodbye: any) => void} */
    let sentAway = () => {};
    this.goodbye = new Promise((resolve) => (sentAway = resolve));
    this.joined = new Promise((resolve) => {
      this.#socket.on('message', (data) => {
        const { header, payload } = decodeFrame(/** @type {Buffer} */ (data));
        if (header.type === 'welcome') {
          this.session = header.session;
          resolve();
        } else if (header.type === 'goodbye') sentAway(/** @type {any} */ (header));
        else if (header.type === 'lease') this.#accept({ ...header, payload });
        else if (header.type === 'revoke') this.#drop(header.lease);
      });
    });
  }

  /** @param {string} origin @param {string} name @param {(task: number) => boolean} isLie */
  static async connect(origin, name, isLie) {
    return new LyingWorker(origin, name, await loadKernels(), isLie);
  }

  /** @param {string} origin @param {string} name @param {(task: number) => boolean} isLie */
  static async join(origin, name, isLie) {
    const worker = await LyingWorker.connect(origin, name, isLie);
    await worker.joined;
    return worker;
  }

  close() {
    clearInterval(this.#beat);
    this.#socket.terminate();
  }

  #heartbeat() {
    if (!this.session) return;
    this.#socket.send(
      encodeFrame({
        type: 'heartbeat',
        session: this.session,
        leases: this.#leases.map(({ lease }) => lease),
        slots: 1,
        paused: false,
        cpu: 0.5,
        memory_bytes: 1,
        current: '',
      }),
    );
  }

  /** @param {number} id */
  #drop(id) {
    this.#leases = this.#leases.filter(({ lease }) => lease !== id);
  }

  /** @param {Lease} lease */
  async #accept(lease) {
    this.#leases.push(lease);
    if (this.#works) return;
    this.#works = true;
    try {
      for (let next; (next = this.#leases[0]); this.#drop(next.lease)) {
        await this.#compute(next).catch(unlessGone);
      }
    } catch (error) {
      if (!isMastersEnd(error)) throw error;
      this.close();
    }
    this.#works = false;
  }

  /** @param {Lease} lease */
  async #compute(lease) {
    const reader = new PayloadReader(lease.payload);
    const shared = await this.#bytesOf(reader.inputs(lease.shared_count));
    const writer = new OutcomeWriter();
    for (let left = lease.task_count; left > 0; --left) {
      const { index, inputs } = reader.task();
      const all = [...shared, ...(await this.#bytesOf(inputs))];
      const begun = performance.now();
      const result = this.#kernels.run(lease.kernel, lease.kernel_version, all);
      const busySeconds = (performance.now() - begun) / 1000;
      if (!result.ok) throw new Error(result.message);
      writer.succeeded(index, this.#asTold(result.output));
      this.#deliver(lease, writer, busySeconds);
      await setImmediate(); // The master may have something to say.
      if (!this.#leases.includes(lease)) return;
    }
  }

  /** @param {Uint8Array} output */
  #asTold(output) {
    const isLie = this.#isLie(this.lies + this.truths);
    isLie ? ++this.lies : ++this.truths;
    if (!isLie) return output;
    const lie = output.slice();
    lie[0] ^= 1;
    return lie;
  }

  /** @param {Lease} lease @param {OutcomeWriter} writer @param {number} busySeconds */
  #deliver({ lease, job, round }, writer, busySeconds) {
    const { count, bytes } = writer.take();
    const { session } = this;
    const times = { count, busy_seconds: busySeconds };
    const header = { type: 'results', session, lease, job, round, ...times };
    this.#socket.send(encodeFrame(header, [bytes]));
    if (this.lies > 0) this.#tellLied();
  }

  /** @param {import('../../web/payload.js').WireInput[]} inputs */
  #bytesOf(inputs) {
    return Promise.all(
      inputs.map((input) => (input.kind === 'inline' ? input.bytes : this.#blob(input.sha256))),
    );
  }

  /** @param {string} sha256 @returns {Promise<Uint8Array>} */
  #blob(sha256) {
    let blob = this.#blobs.get(sha256);
    if (!blob) {
      blob = fetch(`${this.#origin}/blobs/${sha256}`)
        .then((response) => {
          if (response.status === 404) throw new Gone(sha256);
          return response.arrayBuffer();
        })
        .then((bytes) => new Uint8Array(bytes));
      this.#blobs.set(sha256, blob);
    }
    return blob;
  }
}

/**
 * The worker's logic is C++ (`BrowserWorker`), compiled to WebAssembly: events with their bytes go
 * in, effects come out.
 *
 * @typedef {import('./messages.js').Settings} Settings
 * @typedef {import('./messages.js').LinkStatus} LinkStatus
 * @typedef {import('./messages.js').ChunkOutcomes} ChunkOutcomes
 * @typedef {import('./messages.js').BlobName} BlobName
 *
 * @typedef {{do: 'open'}
 *         | {do: 'close', reason: string}
 *         | {do: 'send', bytes: Uint8Array<ArrayBuffer>}
 *         | {do: 'resize', slots: number}
 *         | {do: 'run', slot: number, chunk: number, lease: number, count: number,
 *            tasks: ArrayBuffer, context?: import('./messages.js').LeaseContext}
 *         | {do: 'forget', slot: number, lease: number}
 *         | {do: 'stop', slot: number}
 *         | {do: 'replace', slot: number}
 *         | {do: 'prefetch', blobs: BlobName[]}} Effect
 */

import { siteUrl } from '../site.js';

const loaderUrl = siteUrl('wasm/netcompute_agent.js');
const binaryUrl = siteUrl('wasm/netcompute_agent.wasm');
const noBytes = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

async function fetchBinary() {
  const response = await fetch(binaryUrl);
  if (!response.ok) throw new Error(`${binaryUrl}: HTTP status ${response.status}`);
  return response.arrayBuffer();
}

/** @returns {Promise<any>} an instance of the module, as its loader makes it */
export async function loadAgentModule() {
  const [loader, wasmBinary] = await Promise.all([import(loaderUrl), fetchBinary()]);
  return loader.default({ wasmBinary });
}

export class Agent {
  #module;
  #perform;

  /**
   * Starts at once.
   * @param {any} module @param {Settings} settings
   * @param {{cores: number, slotCacheBytes: number, perform: (effect: Effect) => void}} host
   */
  constructor(module, settings, { cores, slotCacheBytes, perform }) {
    this.#module = module;
    this.#perform = perform;
    this.#tell('start', JSON.stringify(settings), cores, slotCacheBytes);
  }

  tick() {
    this.#tell('tick', noBytes);
  }

  /** When tick() is due. @returns {number} */
  deadline() {
    return this.#module._netcompute_deadline();
  }

  socketOpened() {
    this.#tell('socket_opened', noBytes);
  }

  /** @param {string} reason */
  socketClosed(reason) {
    this.#tell('socket_closed', reason);
  }

  /** @param {unknown} data of a WebSocket message */
  messageReceived(data) {
    if (data instanceof ArrayBuffer) this.#tell('frame', new Uint8Array(data));
    else this.#tell('text', noBytes);
  }

  /** @param {number} slot @param {string} version of the kernels' build */
  slotReady(slot, version) {
    this.#tell('slot_ready', version, slot);
  }

  /** @param {number} slot @param {boolean} retiring */
  retire(slot, retiring) {
    this.#tell('slot_retire', noBytes, slot, retiring);
  }

  /** @param {number} slot @param {{crashed: boolean}} how */
  slotGone(slot, { crashed }) {
    this.#tell('slot_gone', noBytes, slot, crashed);
  }

  /** @param {number} slot @param {ChunkOutcomes} outcomes */
  outcomesReceived(slot, { chunk, count, failed, bytes, busySeconds, more, broken, memoryBytes }) {
    const numbers = [slot, chunk, count, failed, busySeconds, more, broken, memoryBytes];
    this.#tell('outcomes', bytes, ...numbers);
  }

  /** Sends the finished outcomes; called once after all events that arrived together. */
  flush() {
    this.#tell('flush', noBytes);
  }

  /** Something stands in the way of computing. @param {string} message */
  problem(message) {
    this.#tell('problem', message);
  }

  /** @param {Exclude<import('./messages.js').PageToLink, {type: 'start'}>} message */
  pageAsked(message) {
    if (message.type === 'settings') this.#tell('settings', JSON.stringify(message.settings));
    else if (message.type === 'pause') this.#tell('pause', noBytes, message.paused);
    else if (message.type === 'retry') this.#tell('retry', noBytes);
    else this.#tell('hand_back', noBytes);
  }

  /** A number that changes with the phase of the status. @returns {number} */
  phase() {
    return this.#module._netcompute_phase();
  }

  /** @returns {LinkStatus} */
  status() {
    const address = this.#module._netcompute_status(performance.now());
    return JSON.parse(this.#output(address));
  }

  /**
   * One event, and then what it asks for; an effect may bring on another event before the next
   * effect has its turn, so the list is read whole first, with its bytes.
   * @param {string} event @param {string | Uint8Array} input @param {(number | boolean)[]} numbers
   */
  #tell(event, input, ...numbers) {
    const bytes = typeof input === 'string' ? encoder.encode(input) : input;
    const address = this.#module._netcompute_input(bytes.length);
    this.#module.HEAPU8.set(bytes, address);
    this.#module[`_netcompute_${event}`](performance.now(), ...numbers);
    const text = this.#output(this.#module._netcompute_effects());
    if (text === '') return;
    const effects = JSON.parse(text);
    for (const effect of effects) this.#copyBytes(effect);
    for (const effect of effects) this.#perform(effect);
  }

  /** Ranges of the instance's memory become bytes that may be transferred. @param {any} effect */
  #copyBytes(effect) {
    /** @param {[number, number]} range */
    const copy = ([address, size]) => this.#module.HEAPU8.slice(address, address + size);
    if (effect.do === 'send') effect.bytes = copy(effect.bytes);
    if (effect.do !== 'run') return;
    effect.tasks = copy(effect.tasks).buffer;
    if (effect.context) effect.context.shared = copy(effect.context.shared).buffer;
  }

  /** @param {number} address */
  #output(address) {
    const size = this.#module._netcompute_output_size();
    return decoder.decode(this.#module.HEAPU8.subarray(address, address + size));
  }
}

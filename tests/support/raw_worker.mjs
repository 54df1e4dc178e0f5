/** A browser worker without a browser: says what a test tells it to say, right or wrong. */

import { WebSocket } from 'ws';

import { decodeFrame, encodeFrame } from './wire.mjs';
import { Mailbox } from './mailbox.mjs';

/** @typedef {Record<string, any>} Header */

let workersMade = 0;

export class RawWorker {
  /** @type {Mailbox<Header>} */
  #messages = new Mailbox('messages of the master');
  #socket;
  session = '';
  /** Resolves with the WebSocket's close code. @type {Promise<number>} */
  closed;

  /**
   * @param {string} origin of the master
   * @param {import('ws').ClientOptions & {localAddress?: string}} [options]
   */
  constructor(origin, options = {}) {
    this.#socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/worker`, options);
    this.opened = new Promise((resolve, reject) => {
      this.#socket.on('open', () => resolve(undefined));
      this.#socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => this.#socket.on('close', (code) => resolve(code)));
    this.#socket.on('message', (data) => {
      const bytes = /** @type {Buffer} */ (data);
      this.#messages.put(decodeFrame(bytes).header);
    });
  }

  /** Connects and says nothing.
   * @param {string} origin
   * @param {import('ws').ClientOptions & {localAddress?: string}} [options] */
  static async connect(origin, options) {
    const worker = new RawWorker(origin, options);
    await worker.opened;
    return worker;
  }

  /** Connects and joins. @param {string} origin @param {Header} [fields]
   * @param {import('ws').ClientOptions & {localAddress?: string}} [options] */
  static async join(origin, fields, options) {
    const worker = await RawWorker.connect(origin, options);
    worker.hello(fields);
    worker.session = (await worker.next('welcome')).session;
    return worker;
  }

  /** @param {Header} [fields] */
  hello(fields = {}) {
    this.send({
      type: 'hello',
      protocol: 1,
      worker: `raw-worker-${++workersMade}`,
      token: '',
      kind: 'browser',
      name: 'raw',
      version: '0.0.0',
      slots: 1,
      resume: '',
      ...fields,
    });
  }

  /** @param {Header} [fields] */
  heartbeat(fields = {}) {
    const { session } = this;
    this.send({
      type: 'heartbeat',
      session,
      leases: [],
      slots: 1,
      paused: false,
      cpu: 0.5,
      memory_bytes: 1,
      current: '',
      ...fields,
    });
  }

  /**
   * One outcome of a task, or what a test wants to be taken for one.
   * @param {Header} fields
   * @param {{index?: number, status?: number, bytes?: Uint8Array}} [outcome]
   */
  result(fields, { index = 0, status = 0, bytes = new Uint8Array(8) } = {}) {
    const head = Buffer.alloc(9);
    head.writeUInt32LE(index);
    head.writeUInt8(status, 4);
    head.writeUInt32LE(bytes.length, 5);
    const { session } = this;
    this.send({ type: 'results', session, round: 0, count: 1, busy_seconds: 0.001, ...fields }, [
      head,
      bytes,
    ]);
  }

  /** @param {Header} header @param {Uint8Array[]} [payload] */
  send(header, payload = []) {
    this.sendBytes(encodeFrame(header, payload));
  }

  /** @param {Uint8Array | string} bytes */
  sendBytes(bytes) {
    this.#socket.send(bytes);
  }

  /** @param {string} type @param {(header: Header) => boolean} [matches] */
  next(type, matches = () => true) {
    return this.#messages.take((header) => header.type === type && matches(header));
  }

  /** From now on nothing that the master sends is taken from the connection. */
  stopReading() {
    this.#socket.pause();
  }

  close() {
    this.#socket.terminate();
  }
}

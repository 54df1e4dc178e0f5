/**
 * A master that does what a test tells it to: serves the pages, speaks protocol 1, and can fall
 * silent, send rubbish, die and come back on the same port.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';

import { encodeFrame } from './wire.mjs';
import { Mailbox } from './mailbox.mjs';
import { decodeWorkerMessage, encodeLease } from './master_codec.mjs';

/** @typedef {import('./master_codec.mjs').WorkerMessage} WorkerMessage */

const repository = fileURLToPath(new URL('../..', import.meta.url));
const fakeWasm = path.join(repository, 'tests/support/fake_wasm');
/** Where the agent comes from while the kernels are fake ones. */
const builtWasm = process.env.NETCOMPUTE_WASM_DIR ?? path.join(repository, 'build/web/wasm');
const emptyWasmModule = Buffer.from('0061736d01000000', 'hex');
const contentTypes = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.svg', 'image/svg+xml'],
  ['.wasm', 'application/wasm'],
]);
const securityPolicy =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** One worker's connection, from its hello on. */
export class MockSession {
  /** @type {Mailbox<WorkerMessage>} */
  #messages = new Mailbox('messages of the worker');
  #socket;
  acksHeartbeats = true;
  /** Resolves when the socket is closed, by whomever. @type {Promise<void>} */
  closed;

  /** @param {import('ws').WebSocket} socket @param {WorkerMessage} hello */
  constructor(socket, hello) {
    this.#socket = socket;
    this.hello = hello.header;
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
  }

  /** @param {Buffer} data */
  received(data) {
    const message = decodeWorkerMessage(data);
    if (message.header.type === 'heartbeat' && this.acksHeartbeats) this.send({ type: 'ack' });
    this.#messages.put(message);
  }

  /** @param {Record<string, unknown>} header */
  send(header) {
    this.sendBytes(encodeFrame(header));
  }

  /** @param {Uint8Array | string} bytes */
  sendBytes(bytes) {
    this.#socket.send(bytes);
  }

  /** @param {Record<string, unknown>} [fields] */
  welcome(fields = {}) {
    this.send({
      type: 'welcome',
      session: 'session-1',
      worker: this.hello.worker,
      heartbeat_seconds: 0.2,
      silence_seconds: 5,
      version: '0.0.0-fake',
      ...fields,
    });
    return this;
  }

  /** @param {import('./master_codec.mjs').LeaseFields} fields */
  lease(fields) {
    this.sendBytes(encodeLease(fields));
  }

  /** @param {string} type @param {(header: Record<string, any>) => boolean} [matches] */
  next(type, matches = () => true) {
    return this.#messages.take(({ header }) => header.type === type && matches(header));
  }

  /**
   * The outcomes of one lease, however many frames bring them, in order of task.
   * @param {number} lease @param {number} count
   */
  async outcomes(lease, count) {
    const outcomes = [];
    while (outcomes.length < count) {
      const message = await this.next('results', (header) => header.lease === lease);
      outcomes.push(...message.outcomes);
    }
    return outcomes.sort((a, b) => a.index - b.index);
  }

  /** Messages that came and that no test has taken. @param {string} type */
  untaken(type) {
    return this.#messages.items.filter(({ header }) => header.type === type);
  }

  /** Cuts the connection without a word. */
  cut() {
    this.#socket.terminate();
  }
}

export class MockMaster {
  /** @type {Mailbox<MockSession>} */
  #sessions = new Mailbox('workers that say hello');
  /** @type {Mailbox<{url: string, send: (message: object) => void, cut: () => void}>} */
  #dashboards = new Mailbox('dashboards');
  /** @type {Mailbox<{method: string, url: string, authorization: string, body: string}>} */
  requests = new Mailbox('requests to the API');
  /** @type {Map<string, Buffer>} by SHA-256 */
  blobs = new Map();
  /** How often each blob was asked for. @type {Map<string, number>} */
  blobRequests = new Map();
  /** The only token that dashboards and calls may come with; empty for any. */
  dashboardToken = '';
  /** What calls to the API are answered with. @type {{status: number, body: object}} */
  apiAnswer = { status: 200, body: {} };
  /** What GET /api/v1/job_types answers. @type {{name: string, title: string}[]} */
  jobTypes = [];
  #wasmFolder;
  #server = createServer();
  #sockets = new WebSocketServer({ noServer: true, maxPayload: 17 * 2 ** 20 });
  #port = 0;

  /** @param {{wasmFolder?: string}} [options] the fake kernels are served if none is named */
  constructor({ wasmFolder = fakeWasm } = {}) {
    this.#wasmFolder = wasmFolder;
  }

  get origin() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens on a free port, or again on the one it had. */
  async start() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error) => response.destroy(error));
    });
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.#isRefused(request.url ?? '')) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        if (request.url === '/ws/worker') this.#workerCame(client);
        else this.#dashboardCame(client, request.url ?? '');
      });
    });
    await new Promise((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', () => resolve(undefined));
    });
    const address = this.#server.address();
    if (address && typeof address === 'object') this.#port = address.port;
    return this;
  }

  /** Dies: every connection breaks. */
  async stop() {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  nextSession() {
    return this.#sessions.take();
  }

  nextDashboard() {
    return this.#dashboards.take();
  }

  /** @param {import('ws').WebSocket} client */
  #workerCame(client) {
    /** @type {MockSession | null} */
    let session = null;
    client.on('message', (data) => {
      const bytes = /** @type {Buffer} */ (data);
      if (session) return session.received(bytes);
      session = new MockSession(client, decodeWorkerMessage(bytes));
      this.#sessions.put(session);
    });
  }

  /** @param {import('ws').WebSocket} client @param {string} url */
  #dashboardCame(client, url) {
    this.#dashboards.put({
      url,
      send: (message) => client.send(JSON.stringify(message)),
      cut: () => client.terminate(),
    });
  }

  /** @param {string} url */
  #isRefused(url) {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const token = searchParams.get('token') ?? '';
    return (
      pathname === '/ws/dashboard' && this.dashboardToken !== '' && token !== this.dashboardToken
    );
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async #serve(request, response) {
    const url = request.url ?? '/';
    const name = new URL(url, 'http://localhost').pathname;
    response.setHeader('Content-Security-Policy', securityPolicy);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    if (name.startsWith('/blobs/')) return this.#serveBlob(name.slice(7), response);
    if (name === '/ws/dashboard') {
      // Without an upgrade the master says why it refused one.
      response.statusCode = this.#hasToken(request) ? 426 : 401;
      return void response.end();
    }
    if (name === '/api/v1/job_types') return void response.end(JSON.stringify(this.jobTypes));
    if (name.startsWith('/api/')) return this.#serveApi(request, url, response);
    const content = await this.#file(name);
    response.statusCode = content ? 200 : 404;
    response.setHeader(
      'Content-Type',
      contentTypes.get(path.extname(name)) ?? 'text/html; charset=utf-8',
    );
    response.end(content ?? 'not found');
  }

  /** @param {import('node:http').IncomingMessage} request */
  #hasToken({ headers }) {
    return !this.dashboardToken || headers.authorization === `Bearer ${this.dashboardToken}`;
  }

  /** @param {string} name */
  async #file(name) {
    if (name === '/wasm/netcompute_kernels.wasm' && this.#wasmFolder === fakeWasm) {
      return emptyWasmModule;
    }
    const file =
      name === '/'
        ? 'web/index.html'
        : name === '/worker'
          ? 'web/worker.html'
          : name.startsWith('/web/')
            ? name.slice(1)
            : null;
    try {
      if (file) return await readFile(path.join(repository, file));
      if (name.startsWith('/wasm/netcompute_agent.'))
        return await readFile(path.join(builtWasm, name.slice(6)));
      if (name.startsWith('/wasm/'))
        return await readFile(path.join(this.#wasmFolder, name.slice(6)));
    } catch {
      // Not there: 404.
    }
    return null;
  }

  /** @param {string} sha256 @param {import('node:http').ServerResponse} response */
  #serveBlob(sha256, response) {
    this.blobRequests.set(sha256, (this.blobRequests.get(sha256) ?? 0) + 1);
    const blob = this.blobs.get(sha256);
    response.statusCode = blob ? 200 : 404;
    response.end(blob ?? 'not found');
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {string} url
   * @param {import('node:http').ServerResponse} response
   */
  async #serveApi(request, url, response) {
    const { method = '', headers } = request;
    const { authorization = '' } = headers;
    let body = '';
    for await (const part of request) body += part;
    response.setHeader('Content-Type', 'application/json');
    const isAllowed = this.#hasToken(request);
    response.statusCode = isAllowed ? this.apiAnswer.status : 401;
    if (isAllowed) this.requests.put({ method, url, authorization, body });
    response.end(JSON.stringify(isAllowed ? this.apiAnswer.body : {}));
  }
}

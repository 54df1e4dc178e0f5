/** A connection that says what a test tells it to, right or wrong. */

import { connect } from 'node:net';

export class Stranger {
  /** @type {Promise<void>} */
  closed;
  /** All that the master said. */
  heard = '';

  /** @param {number} port @param {string} [localAddress] the PC that it seems to come from */
  constructor(port, localAddress) {
    this.socket = connect({ port, host: '127.0.0.1', localAddress });
    this.opened = new Promise((resolve) => this.socket.on('connect', () => resolve(undefined)));
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
    this.socket.on('error', () => {}); // It was cut off, which is what is waited for.
    this.socket.on('data', (data) => (this.heard += data.toString('latin1')));
  }

  /** @param {Buffer | string} bytes */
  say(bytes) {
    this.socket.write(bytes, 'latin1');
  }

  /** Says it again and again, as fast as it is taken, until the connection ends.
   * @param {Buffer} bytes */
  sayWithoutEnd(bytes) {
    const goOn = () => {
      while (!this.socket.destroyed && this.socket.write(bytes));
    };
    this.socket.on('drain', goOn);
    goOn();
  }

  /** Says it byte by byte, one each half second, until the connection ends.
   * @param {Buffer | string} bytes */
  saySlowly(bytes) {
    const all = Buffer.from(bytes);
    let at = 0;
    const timer = setInterval(() => this.say(all.subarray(at, ++at)), 500);
    void this.closed.then(() => clearInterval(timer));
  }

  leave() {
    this.socket.destroy();
  }
}

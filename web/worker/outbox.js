/**
 * Results that the master may not have received yet. The WebSocket keeps order and each
 * heartbeat is acked, so an ack confirms every frame that was sent before its heartbeat. What is
 * not confirmed when a connection breaks is sent again after the session is resumed.
 */
export class Outbox {
  /** @type {{frame: Uint8Array<ArrayBuffer>, place: number}[]} */
  #frames = [];
  /** @type {number[]} places up to which the heartbeats on their way confirm */
  #heartbeats = [];
  #place = 0;
  #bytes = 0;
  #bytesMax;

  /**
   * @param {number} [bytesMax] past it the oldest are forgotten: their lease runs out and the
   *   master gives the tasks out again
   */
  constructor(bytesMax = 64 * 2 ** 20) {
    this.#bytesMax = bytesMax;
  }

  /** @param {Uint8Array<ArrayBuffer>} frame */
  sent(frame) {
    this.#frames.push({ frame, place: ++this.#place });
    this.#bytes += frame.length;
    while (this.#bytes > this.#bytesMax && this.#frames.length > 1) this.#drop(1);
  }

  heartbeatSent() {
    this.#heartbeats.push(this.#place);
  }

  confirmed() {
    const place = this.#heartbeats.shift() ?? 0;
    const kept = this.#frames.findIndex((sent) => sent.place > place);
    this.#drop(kept < 0 ? this.#frames.length : kept);
  }

  /** The connection was lost, and the heartbeats' acks with it: what to send again. */
  unconfirmed() {
    this.#heartbeats = [];
    return this.#frames.map((sent) => sent.frame);
  }

  clear() {
    this.#frames = [];
    this.#heartbeats = [];
    this.#bytes = 0;
  }

  /** @param {number} count */
  #drop(count) {
    for (const { frame } of this.#frames.splice(0, count)) this.#bytes -= frame.length;
  }
}

/**
 * Joins the connection, the dispatcher, the outbox and the threads: what a message from one of
 * them means to the others. The socket, the threads and the clock come from outside.
 *
 * @typedef {import('./messages.js').PageToLink} PageToLink
 * @typedef {import('./messages.js').LinkStatus} LinkStatus
 * @typedef {import('./messages.js').Settings} Settings
 * @typedef {import('./connection.js').Action} Action
 *
 * @typedef {{
 *   now(): number,
 *   openSocket(): void,
 *   closeSocket(reason: string): void,
 *   send(frame: Uint8Array<ArrayBuffer>): void,
 *   pool: import('./slot_pool.js').SlotPool | null,
 * }} Surroundings
 */

import {
  decodeFrame,
  decodeMasterMessage,
  encodeHeartbeat,
  encodeHello,
  encodeLeave,
  encodeResults,
} from '../protocol.js';
import { ProtocolError } from '../payload.js';
import { Connection } from './connection.js';
import { Dispatcher } from './dispatcher.js';
import { LoadMeter, RateMeter } from '../meters.js';
import { Outbox } from './outbox.js';
import { slotCacheBytes } from './slot_pool.js';

/** A pause lets running leases end for so long; what is left then is handed back. */
export const drainMsMax = 5000;

export class LinkCore {
  connection;
  #around;
  #settings;
  #cores;
  #dispatcher;
  #outbox = new Outbox();
  #rate = new RateMeter();
  #load;
  #version = '';
  #paused = false;
  #drainBy = Infinity;
  #problem = '';
  #masterVersion = '';
  #tasksDone = 0;
  #tasksFailed = 0;
  #cpu = -1;

  /** @param {Surroundings} around @param {Settings} settings @param {number} cores of this PC */
  constructor(around, settings, cores) {
    this.#around = around;
    this.#settings = settings;
    this.#cores = cores;
    this.connection = new Connection();
    this.#dispatcher = new Dispatcher({ slotCacheBytes: slotCacheBytes(settings.slots) });
    this.#load = new LoadMeter(around.now());
    this.#do(this.connection.start(around.now()));
  }

  /** When tick() is due. */
  deadline() {
    return Math.min(this.connection.deadline(), this.#dispatcher.deadline(), this.#drainBy);
  }

  tick() {
    const now = this.#around.now();
    this.#do(this.connection.tick(now));
    for (const slot of this.#dispatcher.overdue(now)) this.#around.pool?.replace(slot);
    if (now >= this.#drainBy) this.#handBack();
    this.settle();
  }

  socketOpened() {
    this.#do(this.connection.opened(this.#around.now()));
  }

  /** @param {string} reason */
  socketClosed(reason) {
    this.#do(this.connection.closed(reason, this.#around.now()));
  }

  /** @param {unknown} data of a WebSocket message */
  frameReceived(data) {
    const now = this.#around.now();
    try {
      if (!(data instanceof ArrayBuffer)) throw new ProtocolError('frame: text, not binary');
      const { header, payload } = decodeFrame(data);
      this.#do(this.connection.received(decodeMasterMessage(header, payload), now));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#do(
        this.connection.failed(`the master sent a malformed message: ${error.message}`, now),
      );
    }
    this.settle();
  }

  /** @param {number} slot @param {string} version of the kernels' build */
  slotReady(slot, version) {
    this.#version = version;
    this.#problem = '';
    this.#dispatcher.slotReady(slot);
    this.#do(this.connection.able(this.#around.now()));
    this.settle();
  }

  /** @param {number} slot @param {{crashed: boolean}} how */
  slotGone(slot, how) {
    this.#dispatcher.slotGone(slot, how);
  }

  /** @param {number} slot @param {boolean} retiring */
  retire(slot, retiring) {
    this.#dispatcher.retire(slot, retiring);
  }

  /** @param {number} slot @param {import('./messages.js').ChunkOutcomes} outcomes */
  outcomesReceived(slot, outcomes) {
    const now = this.#around.now();
    this.#dispatcher.received(slot, outcomes, now);
    this.#rate.add(now, outcomes.count);
    this.#tasksDone += outcomes.count;
    this.#tasksFailed += outcomes.failed;
    if (outcomes.broken) this.#around.pool?.replace(slot);
    this.settle();
  }

  /** Something stands in the way of computing. @param {string} message */
  problem(message) {
    this.#problem = message;
    this.settle();
  }

  /** @param {Exclude<PageToLink, {type: 'start'}>} message */
  pageAsked(message) {
    const now = this.#around.now();
    if (message.type === 'settings') this.#changeSettings(message.settings, now);
    else if (message.type === 'pause') this.#pause(message.paused, now);
    else if (message.type === 'retry') this.#do(this.connection.retry(now));
    else this.#handBack();
    this.settle();
  }

  /** Gives slots their work, and lets go of those that are too many. */
  settle() {
    const now = this.#around.now();
    const { pool } = this.#around;
    for (const { slot, message } of this.#dispatcher.dispatch()) {
      const buffers = [];
      if (message.type === 'run') {
        buffers.push(message.tasks);
        if (message.context) buffers.push(message.context.shared);
      }
      pool?.post(slot, message, buffers);
    }
    const busy = this.#dispatcher.busySlots();
    pool?.stopRetired(busy);
    this.#load.observe(now, busy.size);
    if (this.#paused && this.#dispatcher.isIdle()) this.#drainBy = Infinity;
  }

  /** Sends what is finished; called once for all that came in at one time. */
  flush() {
    if (this.connection.phase !== 'joined') return;
    const { session } = this.connection;
    for (const batch of this.#dispatcher.takeResults()) {
      const frame = encodeResults({ session, ...batch }, batch.outcomes);
      this.#outbox.sent(frame);
      this.#around.send(frame);
    }
  }

  /** @returns {LinkStatus} */
  status() {
    const now = this.#around.now();
    const { phase, reason, refusedCode, worker, retryAt } = this.connection;
    return {
      phase,
      reason,
      refusedCode,
      retrySeconds: phase === 'waiting' ? Math.max(0, (retryAt - now) / 1000) : 0,
      paused: this.#paused,
      draining: this.#drainBy < Infinity,
      problem: this.#problem,
      version: this.#version,
      masterVersion: this.#masterVersion,
      worker: worker || this.#settings.worker,
      slots: this.#settings.slots,
      slotsBusy: this.#dispatcher.busySlots().size,
      leases: this.#dispatcher.heldLeases().length,
      current: this.#dispatcher.current(),
      tasksDone: this.#tasksDone,
      tasksFailed: this.#tasksFailed,
      tasksPerSecond: this.#rate.perSecond(now),
      cpu: this.#cpu,
      memoryBytes: this.#around.pool?.memoryBytes() ?? 0,
    };
  }

  /** @param {Action[]} actions */
  #do(actions) {
    for (const action of actions) this.#doOne(action);
  }

  /** @param {Action} action */
  #doOne(action) {
    switch (action.do) {
      case 'open':
        return this.#around.openSocket();
      case 'close':
        return this.#around.closeSocket(action.reason);
      case 'hello':
        return this.#hello(action.resume);
      case 'heartbeat':
        return this.#heartbeat();
      case 'joined':
        return this.#joined(action.resumed, action.version);
      case 'confirmed':
        return this.#outbox.confirmed();
      case 'drop':
        return this.#dropWork();
      case 'take':
        this.#dispatcher.addLease(action.lease);
        return this.#around.pool?.prefetch(this.#dispatcher.missingBlobs(action.lease.lease));
      case 'revoke':
        return this.#dispatcher.revoke(action.lease, this.#around.now());
    }
  }

  /** @param {string} resume */
  #hello(resume) {
    const { worker, secret, token, name, slots } = this.#settings;
    const version = this.#version;
    this.#around.send(encodeHello({ worker, secret, token, name, version, slots, resume }));
  }

  #heartbeat() {
    const now = this.#around.now();
    this.#cpu = Math.min(1, this.#load.take(now) / this.#cores);
    const current = this.#dispatcher.current();
    this.flush();
    this.#around.send(
      encodeHeartbeat({
        session: this.connection.session,
        leases: this.#dispatcher.heldLeases(),
        slots: this.#settings.slots,
        paused: this.#paused,
        cpu: this.#cpu,
        memoryBytes: this.#around.pool?.memoryBytes() ?? 0,
        current: current
          ? `${current.kernel.slice(0, 60)} ${current.job}/${current.round}/${current.task}`
          : '',
      }),
    );
    this.#outbox.heartbeatSent();
  }

  /** @param {boolean} resumed @param {string} masterVersion */
  #joined(resumed, masterVersion) {
    this.#masterVersion = masterVersion;
    if (resumed) {
      for (const frame of this.#outbox.unconfirmed()) this.#around.send(frame);
      return;
    }
    // Another master, or one that has forgotten this session: its lease 5 is not the old lease 5.
    this.#dropWork();
  }

  #dropWork() {
    this.#dispatcher.revokeAll(this.#around.now());
    this.#outbox.clear();
  }

  /** @param {boolean} paused @param {number} now */
  #pause(paused, now) {
    this.#paused = paused;
    this.#drainBy = paused && !this.#dispatcher.isIdle() ? now + drainMsMax : Infinity;
    if (paused) this.#do(this.connection.beat(now));
    else if (this.connection.phase === 'left') this.#do(this.connection.retry(now));
    else this.#do(this.connection.beat(now));
  }

  /** Leaves the master, so that it gives what is unfinished to others at once. */
  #handBack() {
    this.#drainBy = Infinity;
    if (this.connection.phase === 'joined') {
      this.flush();
      this.#around.send(encodeLeave({ session: this.connection.session }));
    }
    this.#do(this.connection.leave());
    this.#dropWork();
  }

  /** @param {Settings} settings @param {number} now */
  #changeSettings(settings, now) {
    const before = this.#settings;
    this.#settings = settings;
    if (settings.slots !== before.slots) {
      this.#around.pool?.resize(settings.slots);
      this.#do(this.connection.beat(now));
    }
    // Name and token travel in hello alone: greet again, resuming the session.
    const greetsAnew = settings.name !== before.name || settings.token !== before.token;
    if (greetsAnew && this.connection.phase !== 'left') {
      this.#do(this.connection.failed('greeting again', now));
      this.#do(this.connection.retry(now));
    }
  }
}

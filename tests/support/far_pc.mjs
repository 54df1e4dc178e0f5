/** PCs at the other end of a link of their own, which a test cuts and heals: in an own world. */

import { existsSync } from 'node:fs';
import path from 'node:path';

import { binaryFolder } from './cluster.mjs';
import { command } from './own_world.mjs';
import { Program } from './program.mjs';

/** Where packets go that shall not arrive: no card has it. */
const nobody = '02:00:00:00:00:01';
/** The link's other end, in the far PC's namespace. */
const there = 'lan';
const badLinkProgram = path.join(binaryFolder, 'bin/netcompute_bad_link');
let pcsMade = 0;

/** Late and lossy, both ways. @typedef {{delayMs: number, loss: number, seed: number}} BadLink */

export function badLinksAreThere() {
  return existsSync('/dev/net/tun');
}

export class FarPc {
  /** The master's address, as this PC sees it. */
  masterAddress;
  /** What starts a program there. */
  within;
  #link;
  #address;
  #holder;
  /** What relays its packets, where its link is bad. @type {Program | undefined} */
  #relay;

  /** @param {number} number @param {Program} holder keeps its namespace */
  constructor(number, holder) {
    this.masterAddress = `10.77.${number}.1`;
    this.#address = `10.77.${number}.2`;
    this.#link = `far${number}`;
    this.#holder = holder;
    this.within = ['nsenter', '--net', '--target', String(holder.pid)];
  }

  /** @param {BadLink} [badLink] */
  static async make(badLink) {
    const holder = new Program('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat']);
    await holder.until(/ready/);
    const pc = new FarPc(++pcsMade, holder);
    await pc.#connect(badLink);
    return pc;
  }

  /** @param {BadLink} [badLink] */
  async #connect(badLink) {
    const here = this.#link;
    if (badLink) {
      await this.#startRelay(badLink);
    } else {
      await command('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there);
      await command('ip', 'link', 'set', there, 'netns', String(this.#holder.pid));
    }
    await command('ip', 'address', 'add', `${this.masterAddress}/24`, 'dev', here);
    await this.#there('ip', 'address', 'add', `${this.#address}/24`, 'dev', there);
    await command('ip', 'link', 'set', here, 'up');
    await this.#there('ip', 'link', 'set', there, 'up');
  }

  /** @param {BadLink} badLink */
  async #startRelay({ delayMs, loss, seed }) {
    const devices = [this.#link, String(this.#holder.pid), there];
    this.#relay = new Program(badLinkProgram, [...devices, ...[delayMs, loss, seed].map(String)]);
    await this.#relay.until(/ready/);
  }

  /** Ends its bad link, and tells of it. */
  async countPackets() {
    if (!this.#relay) throw new Error('its link is not bad');
    this.#relay.endInput();
    const [, passed, lost] = await this.#relay.until(/passed (\d+) packets, lost (\d+)/);
    return { passed: Number(passed), lost: Number(lost) };
  }

  /** @param {string[]} what */
  #there(...what) {
    const [file, ...args] = [...this.within, ...what];
    return command(file, ...args);
  }

  /** Nothing passes, either way. */
  cut() {
    return command('ip', 'link', 'set', this.#link, 'down');
  }

  heal() {
    return command('ip', 'link', 'set', this.#link, 'up');
  }

  /** What the master says is lost; what this PC says arrives. */
  makeDeaf() {
    return command(...this.#misdirect('replace', this.#address, this.#link));
  }

  async healDeafness() {
    await command(...this.#misdirect('delete', this.#address, this.#link));
  }

  /** What this PC says is lost; what the master says arrives. */
  makeMute() {
    return this.#there(...this.#misdirect('replace', this.masterAddress, there));
  }

  healMuteness() {
    return this.#there(...this.#misdirect('delete', this.masterAddress, there));
  }

  /** @param {'replace' | 'delete'} what @param {string} address @param {string} link
   * @returns {[string, ...string[]]} */
  #misdirect(what, address, link) {
    const wrong = what === 'replace' ? ['lladdr', nobody, 'nud', 'permanent'] : [];
    return ['ip', 'neighbour', what, address, ...wrong, 'dev', link];
  }

  async remove() {
    this.#relay?.kill('SIGKILL');
    await this.#relay?.ended;
    this.#holder.kill('SIGKILL');
    await this.#holder.ended;
  }
}

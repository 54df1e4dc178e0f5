/** PCs at the other end of a link of their own, which a test cuts and heals: in an own world. */

import { command } from './own_world.mjs';
import { Program, runProgram } from './program.mjs';

/** Where packets go that shall not arrive: no card has it. */
const nobody = '02:00:00:00:00:01';
/** The link's other end, in the far PC's namespace. */
const there = 'lan';
let pcsMade = 0;

export class FarPc {
  /** The master's address, as this PC sees it. */
  masterAddress;
  /** What starts a program there. */
  within;
  #link;
  #address;
  #holder;

  /** @param {number} number @param {Program} holder keeps its namespace */
  constructor(number, holder) {
    this.masterAddress = `10.77.${number}.1`;
    this.#address = `10.77.${number}.2`;
    this.#link = `far${number}`;
    this.#holder = holder;
    this.within = ['nsenter', '--net', '--target', String(holder.pid)];
  }

  static async make() {
    const holder = new Program('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat']);
    await holder.until(/ready/);
    const pc = new FarPc(++pcsMade, holder);
    await pc.#connect();
    return pc;
  }

  async #connect() {
    const here = this.#link;
    await command('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there);
    await command('ip', 'link', 'set', there, 'netns', String(this.#holder.pid));
    await command('ip', 'address', 'add', `${this.masterAddress}/24`, 'dev', here);
    await this.#there('ip', 'address', 'add', `${this.#address}/24`, 'dev', there);
    await command('ip', 'link', 'set', here, 'up');
    await this.#there('ip', 'link', 'set', there, 'up');
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

  /** Late and lossy, both ways. Why it cannot be, or nothing. @param {string[]} how */
  async makeBad(...how) {
    const netem = (/** @type {string} */ link) => ['qdisc', 'add', 'dev', link, 'root', 'netem'];
    const here = await runProgram('tc', [...netem(this.#link), ...how]);
    if (here.code !== 0) return here.stderr.trim();
    await this.#there('tc', ...netem(there), ...how);
    return '';
  }

  async remove() {
    this.#holder.kill('SIGKILL');
    await this.#holder.ended;
  }
}

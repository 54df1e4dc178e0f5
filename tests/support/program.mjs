/** Programs that a test starts: what they say, how they end, and that none is left behind. */

import { spawn } from 'node:child_process';

import { patience } from './patience.mjs';

const waitMs = 60_000 * patience;

/** @type {Set<Program>} those that run */
const running = new Set();
process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL');
});

export class Program {
  /** Everything that it said, line by line, on standard output and standard error. */
  /** @type {string[]} */
  lines = [];
  stdout = '';
  stderr = '';
  /** Resolves when it has ended and all that it said is in `lines`. */
  /** @type {Promise<{code: number | null, signal: NodeJS.Signals | null}>} */
  ended;
  hasEnded = false;
  #child;
  /** @type {Set<() => void>} called for each line and at the end */
  #listeners = new Set();

  /**
   * @param {string} file
   * @param {string[]} [args]
   * @param {{cwd?: string, env?: Record<string, string>}} [options]
   */
  constructor(file, args = [], { cwd, env = {} } = {}) {
    this.title = [file.split('/').pop(), ...args].join(' ');
    // A test run that is killed takes its programs with it.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(this);
    this.#child.stdin.on('error', () => {}); // It ended before it read what it was told.
    this.#collect(this.#child.stdout, (text) => (this.stdout += text));
    this.#collect(this.#child.stderr, (text) => (this.stderr += text));
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code, signal) => {
        this.hasEnded = true;
        running.delete(this);
        resolve({ code, signal });
        for (const listener of this.#listeners) listener();
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** @param {import('node:stream').Readable} stream @param {(text: string) => void} keep */
  #collect(stream, keep) {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      keep(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.lines.push(...lines);
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /**
   * The first line from number `from` on that matches, said already or yet to be said.
   * @param {RegExp} pattern
   * @param {number} [from]
   * @returns {Promise<RegExpMatchArray>}
   */
  until(pattern, from = 0) {
    return this.untilLine(String(pattern), (line) => line.match(pattern), from);
  }

  /**
   * What `look` finds in a line, looking at each in turn from number `from` on.
   * @template T
   * @param {string} what for the message of a test that waited in vain
   * @param {(line: string) => T | null} look
   * @param {number} [from]
   * @returns {Promise<T>}
   */
  untilLine(what, look, from = 0) {
    return new Promise((resolve, reject) => {
      let next = from;
      /** @param {() => void} settle */
      const end = (settle) => {
        clearTimeout(timer);
        this.#listeners.delete(lookOn);
        settle();
      };
      const fail = (/** @type {string} */ why) =>
        end(() => reject(new Error(`${this.title}: ${why} ${what}; it said:\n${this.tail()}`)));
      const lookOn = () => {
        while (next < this.lines.length) {
          const found = look(this.lines[next++]);
          if (found) return end(() => resolve(found));
        }
        if (this.hasEnded) fail('it ended without saying');
      };
      const timer = setTimeout(() => fail(`in ${waitMs / 1000} s it did not say`), waitMs);
      this.#listeners.add(lookOn);
      lookOn();
    });
  }

  tail() {
    return this.lines.slice(-30).join('\n');
  }

  /** @param {string} text */
  say(text) {
    this.#child.stdin.write(text);
  }

  endInput() {
    this.#child.stdin.end();
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.#child.kill(signal);
  }
}

/**
 * Runs a program to its end.
 * @param {string} file
 * @param {string[]} args
 * @param {{cwd?: string, env?: Record<string, string>}} [options]
 */
export async function runProgram(file, args, options) {
  const program = new Program(file, args, options);
  const timer = setTimeout(() => program.kill('SIGKILL'), waitMs);
  const { code, signal } = await program.ended;
  clearTimeout(timer);
  return { code, signal, stdout: program.stdout, stderr: program.stderr };
}

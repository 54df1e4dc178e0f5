/** The buttons on a job's card. */

import { make, setShown, setText } from '../dom.js';
import { siteUrl } from '../site.js';
import { isOpen } from './sorting.js';

/** @typedef {import('./state.js').Job} Job */

const armedMs = 4000;
export const priorityMax = 1000;

export class JobControls {
  root = make('div', 'job-controls');
  #id;
  #calls;
  #onError;
  #priorityLabel = make('label', 'priority muted small', 'Priority');
  #priority = make('input');
  #pauseButton = make('button', 'quiet', 'Pause');
  #cancelButton = make('button', 'quiet', 'Cancel');
  #receipt = make('a', 'button quiet', 'Receipt');
  #isPaused = false;
  #isArmed = false;

  /**
   * @param {string} id
   * @param {import('./api_calls.js').ApiCalls} calls
   * @param {(message: string) => void} onError told why a call failed, or '' when a new one begins
   */
  constructor(id, calls, onError) {
    this.#id = id;
    this.#calls = calls;
    this.#onError = onError;
    this.#priority.type = 'number';
    this.#priority.min = String(-priorityMax);
    this.#priority.max = String(priorityMax);
    this.#priority.setAttribute('aria-label', `Priority of job ${id}`);
    this.#priorityLabel.append(this.#priority);
    this.#priorityLabel.title = 'Higher goes first';
    this.#receipt.href = siteUrl(`api/v1/jobs/${encodeURIComponent(id)}/receipt`);
    this.#receipt.download = '';
    this.#receipt.title = 'For netcompute-master verify';
    this.#receipt.setAttribute('aria-label', `Receipt of job ${id}`);
    for (const button of [this.#pauseButton, this.#cancelButton]) button.type = 'button';
    this.root.append(this.#priorityLabel, this.#pauseButton, this.#cancelButton, this.#receipt);
    this.#priority.addEventListener('change', () => this.#prioritize());
    this.#pauseButton.addEventListener('click', () => {
      this.#give(this.#pauseButton, () => calls.pause(id, !this.#isPaused));
    });
    this.#cancelButton.addEventListener('click', () => this.#cancel());
    this.#arm(false);
  }

  /** @param {Job} job */
  draw(job) {
    const state = (job.state ?? '').toLowerCase();
    this.#isPaused = state === 'paused';
    for (const part of [this.#priorityLabel, this.#pauseButton, this.#cancelButton]) {
      setShown(part, isOpen(job));
    }
    setShown(this.#receipt, state === 'succeeded');
    setShown(this.root, isOpen(job) || state === 'succeeded');
    const verb = this.#isPaused ? 'Resume' : 'Pause';
    setText(this.#pauseButton, verb);
    this.#pauseButton.setAttribute('aria-label', `${verb} job ${this.#id}`);
    const priority = String(job.priority ?? 0);
    // Not while somebody is typing another one.
    if (document.activeElement !== this.#priority) this.#priority.value = priority;
  }

  #prioritize() {
    const priority = Number(this.#priority.value);
    if (!this.#priority.checkValidity() || this.#priority.value === '') {
      this.#onError(
        `Priority not changed: it is a whole number from ${-priorityMax} to ${priorityMax}.`,
      );
      return;
    }
    this.#give(null, () => this.#calls.prioritize(this.#id, priority));
  }

  /** Asks twice: the first click arms the button for some seconds. */
  #cancel() {
    if (!this.#isArmed) {
      this.#arm(true);
      setTimeout(() => this.#arm(false), armedMs);
      return;
    }
    this.#give(this.#cancelButton, () => this.#calls.cancel(this.#id));
  }

  /** @param {boolean} isArmed */
  #arm(isArmed) {
    this.#isArmed = isArmed;
    setText(this.#cancelButton, isArmed ? 'Really cancel?' : 'Cancel');
    const words = isArmed ? 'Really cancel' : 'Cancel';
    this.#cancelButton.setAttribute('aria-label', `${words} job ${this.#id}${isArmed ? '?' : ''}`);
  }

  /** @param {HTMLButtonElement | null} button @param {() => Promise<void>} call */
  async #give(button, call) {
    if (button) button.disabled = true;
    this.#onError('');
    try {
      await call();
    } catch (error) {
      this.#onError(error instanceof Error ? error.message : String(error));
    }
    if (button) button.disabled = false;
    this.#arm(false);
  }
}

/** The jobs: a card each, changed only where its job has changed. */

import { element, make, setShown, setText } from '../dom.js';
import { formatCount, formatDuration, formatRate, formatShare, plural } from '../format.js';
import { isOpen, sortJobs } from './order.js';
import { grown, left } from './state.js';
import { errorText, summarize } from './summary.js';

/** @typedef {import('./state.js').Job} Job */

const endedShownMax = 20;

export class JobsView {
  /** @type {Map<string, JobCard>} */
  #cards = new Map();
  #cancel;

  /** @param {(job: string) => Promise<void>} cancel rejects with why it could not be cancelled */
  constructor(cancel) {
    this.#cancel = cancel;
  }

  /** @param {Record<string, Job>} jobs by id @param {number} now */
  draw(jobs, now) {
    const sorted = sortJobs(Object.values(jobs));
    const open = sorted.filter(isOpen);
    const ended = sorted.filter((job) => !isOpen(job));
    const endedShown = ended.slice(0, endedShownMax);
    const kept = new Set([...open, ...endedShown].map(({ id }) => String(id)));
    for (const [id, card] of this.#cards) {
      if (kept.has(id)) continue;
      card.root.remove();
      this.#cards.delete(id);
    }
    this.#drawList(element('jobs', HTMLElement), open, now);
    this.#drawList(element('jobs-ended', HTMLElement), endedShown, now);
    setShown(element('jobs-none', HTMLElement), open.length === 0);
    setShown(element('ended-section', HTMLElement), ended.length > 0);
    const more = ended.length - endedShown.length;
    setText(element('jobs-more', HTMLElement), more > 0 ? `and ${plural(more, 'older job')}` : '');
  }

  /** @param {HTMLElement} list @param {Job[]} jobs @param {number} now */
  #drawList(list, jobs, now) {
    jobs.forEach((job, place) => {
      const id = String(job.id);
      let card = this.#cards.get(id);
      if (!card) this.#cards.set(id, (card = new JobCard(id, this.#cancel)));
      card.draw(job, now);
      if (list.children[place] !== card.root)
        list.insertBefore(card.root, list.children[place] ?? null);
    });
  }
}

class JobCard {
  root = make('article', 'card job');
  #title = make('h3');
  #subtitle = make('p', 'muted small');
  #state = make('span', 'pill');
  #cancelButton = make('button', 'quiet', 'Cancel');
  #notice = make('p', 'notice');
  #progress = make('progress');
  #facts = make('dl', 'facts');
  #result = make('dl', 'facts result');
  #detailsBox = make('details', 'details');
  #details = make('dl', 'facts');
  #notes = make('ul', 'notes muted small');
  #error = make('p', 'error');
  /** @type {Job | null} */
  #drawn = null;
  #cancelError = '';
  /** @type {Map<string, HTMLElement>} */
  #factValues = new Map();

  /** @param {string} id @param {(job: string) => Promise<void>} cancel */
  constructor(id, cancel) {
    this.root.dataset.job = id;
    const head = make('div', 'job-head');
    const words = make('div', 'job-words');
    words.append(this.#title, this.#subtitle);
    head.append(words, this.#state, this.#cancelButton);
    this.#error.setAttribute('role', 'alert');
    this.root.append(head, this.#notice, this.#progress, this.#facts, this.#result);
    this.#detailsBox.append(make('summary', '', 'Details'), this.#details);
    this.root.append(this.#detailsBox, this.#notes, this.#error);
    this.#cancelButton.type = 'button';
    this.#listenForCancel(id, cancel);
  }

  /** @param {Job} job @param {number} now */
  draw(job, now) {
    if (job !== this.#drawn) this.#drawChange(job);
    this.#drawn = job;
    this.#drawFacts(job, now);
  }

  /** @param {Job} job */
  #drawChange(job) {
    const type = job.type ?? 'job';
    const state = job.state ?? 'Queued';
    const isNamed = job.name !== undefined && job.name !== '' && job.name !== type;
    const parts = [isNamed && words(type), `job ${job.id}`, submittedText(job.submitted_at)];
    setText(this.#title, isNamed ? String(job.name) : words(type));
    setText(this.#subtitle, parts.filter(Boolean).join(' · '));
    setText(this.#state, state);
    this.root.dataset.state = state.toLowerCase();
    setShown(this.#cancelButton, isOpen(job));
    setText(this.#notice, waitingText(job));
    setShown(this.#notice, this.#notice.textContent !== '');
    this.#drawProgress(job);
    this.#drawResult(job);
    this.#drawNotes(job);
    this.#drawError(job);
  }

  /** @param {Job} job */
  #drawProgress({ tasks, state, id }) {
    const { total = 0, done = 0 } = tasks ?? {};
    const succeeded = (state ?? '').toLowerCase() === 'succeeded';
    setShown(this.#progress, isOpen({ id, state }) || (total > 0 && !succeeded));
    this.#progress.setAttribute('aria-label', `Progress of job ${id}`);
    if (total > 0) {
      this.#progress.max = total;
      this.#progress.value = Math.min(done, total);
    } else {
      this.#progress.removeAttribute('value');
    }
  }

  /** @param {Job} job @param {number} now */
  #drawFacts(job, now) {
    const { total = 0, done = 0, failed = 0 } = job.tasks ?? {};
    const open = isOpen(job);
    const advances = open && !job.waiting_for;
    const tasks = `${formatCount(done)} of ${formatCount(total)}`;
    this.#fact('Tasks', total && (failed ? `${tasks}, ${formatCount(failed)} failed` : tasks));
    this.#fact('Done', open && total && formatShare(done / total));
    this.#fact('Rate', advances && `${formatRate(job.rate)} tasks/s`);
    this.#fact('Round', open && job.round && formatCount(job.round));
    this.#fact('Phase', open && job.phase);
    this.#fact('Elapsed', elapsedText(job, now));
    const eta = advances && left(job.eta, now);
    this.#fact('Time left', typeof eta === 'number' && `about ${formatDuration(eta)}`);
  }

  /** @param {string} label @param {string | 0 | false | undefined} known nothing hides it */
  #fact(label, known) {
    const text = known || '';
    let value = this.#factValues.get(label);
    if (!value) {
      value = addFact(this.#facts, label);
      this.#factValues.set(label, value);
    }
    setText(value, text);
    if (value.parentElement) setShown(value.parentElement, text !== '');
  }

  /** @param {Job} job */
  #drawResult({ result }) {
    if (result === this.#drawn?.result && this.#drawn) return;
    this.#result.replaceChildren();
    this.#details.replaceChildren();
    for (const { label, text, title, isDetail } of summarize(result)) {
      const value = addFact(isDetail ? this.#details : this.#result, label);
      value.textContent = text;
      if (title !== text) value.title = title;
    }
    setShown(this.#result, this.#result.childElementCount > 0);
    setShown(this.#detailsBox, this.#details.childElementCount > 0);
  }

  /** What a person should know of how the data was read. @param {Job} job */
  #drawNotes({ notes, result }) {
    const lines = notesOf({ notes }) ?? notesOf(result) ?? [];
    if (lines.length !== this.#notes.childElementCount) {
      this.#notes.replaceChildren(...lines.map((line) => make('li', '', line)));
    }
    setShown(this.#notes, lines.length > 0);
  }

  /** @param {Job} job */
  #drawError({ error }) {
    setText(this.#error, [errorText(error), this.#cancelError].filter(Boolean).join(' '));
    setShown(this.#error, this.#error.textContent !== '');
  }

  /**
   * Asks twice: the first click arms the button for some seconds.
   * @param {string} id
   * @param {(job: string) => Promise<void>} cancel
   */
  #listenForCancel(id, cancel) {
    const button = this.#cancelButton;
    let armed = false;
    /** @param {boolean} changed */
    const arm = (changed) => {
      armed = changed;
      setText(button, armed ? 'Really cancel?' : 'Cancel');
      button.setAttribute('aria-label', armed ? `Really cancel job ${id}?` : `Cancel job ${id}`);
    };
    arm(false);
    button.addEventListener('click', async () => {
      if (!armed) {
        arm(true);
        setTimeout(() => arm(false), 4000);
        return;
      }
      button.disabled = true;
      this.#cancelError = '';
      try {
        await cancel(id);
      } catch (error) {
        this.#cancelError = error instanceof Error ? error.message : String(error);
      }
      button.disabled = false;
      arm(false);
      if (this.#drawn) this.#drawError(this.#drawn);
    });
  }
}

/** @param {HTMLElement} list @param {string} label */
function addFact(list, label) {
  const pair = make('div', 'fact');
  const value = make('dd');
  pair.append(make('dt', '', label), value);
  list.append(pair);
  return value;
}

/** @param {unknown} document @returns {string[] | undefined} */
function notesOf(document) {
  const { notes } = /** @type {{notes?: unknown}} */ (document ?? {});
  return Array.isArray(notes) ? notes.map(String) : undefined;
}

/** @type {Record<string, string>} */
const typeNames = {
  train: 'Training',
  predict: 'Prediction',
  monte_carlo_pi: 'Monte Carlo pi',
  noop: 'No-op',
};

/** A job's type for people. @param {string} name */
function words(name) {
  if (Object.hasOwn(typeNames, name)) return typeNames[name];
  const spaced = name.replaceAll('_', ' ');
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** @param {Job} job @param {number} now */
function elapsedText(job, now) {
  if (isOpen(job)) {
    const elapsed = grown(job.elapsed, now);
    return elapsed !== undefined && formatDuration(elapsed);
  }
  const seconds = job.elapsed?.seconds;
  if (seconds === undefined) return false;
  return seconds < 10 ? `${Math.max(0, seconds).toFixed(1)} s` : formatDuration(seconds);
}

/** @param {Job} job */
function waitingText(job) {
  if (!isOpen(job) || !job.waiting_for) return '';
  if (job.waiting_for === 'workers') {
    return 'Waiting for workers. Add PCs as shown below, and the job goes on by itself.';
  }
  return `Waiting for ${job.waiting_for}.`;
}

/** @param {unknown} submittedAt milliseconds since 1970 */
function submittedText(submittedAt) {
  if (typeof submittedAt !== 'number') return '';
  const date = new Date(submittedAt);
  const isToday = date.toDateString() === new Date().toDateString();
  return `submitted ${isToday ? date.toLocaleTimeString() : date.toLocaleString()}`;
}

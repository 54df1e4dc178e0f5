/** The jobs, one card each. A card is redrawn only if its job has changed. */

import { element, make, setShown, setText } from '../dom.js';
import { formatCount, formatDuration, formatRate, formatShare, plural } from '../format.js';
import { JobControls } from './job_controls.js';
import {
  deadlineText,
  elapsedText,
  liarsText,
  submittedText,
  validationText,
  waitingText,
} from './job_words.js';
import { isOpen, sortJobs } from './sorting.js';
import { left } from './state.js';
import { errorText, summarize } from './summary.js';

/** @typedef {import('./state.js').Job} Job */
/** @typedef {import('./job_types.js').JobTypes} JobTypes */

const endedShownMax = 20;

export class JobsView {
  /** @type {Map<string, JobCard>} */
  #cards = new Map();
  #calls;
  #types;

  /** @param {import('./api_calls.js').ApiCalls} calls @param {JobTypes} types */
  constructor(calls, types) {
    this.#calls = calls;
    this.#types = types;
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
      if (!card) this.#cards.set(id, (card = new JobCard(id, this.#calls, this.#types)));
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
  #controls;
  #notice = make('p', 'notice');
  #liars = make('p', 'notice bad');
  #progress = make('progress');
  #facts = make('dl', 'facts');
  #result = make('dl', 'facts result');
  #detailsBox = make('details', 'details');
  #details = make('dl', 'facts');
  #notes = make('ul', 'notes muted small');
  #error = make('p', 'error');
  /** @type {Job | null} */
  #drawn = null;
  #callError = '';
  /** @type {Map<string, HTMLElement>} */
  #factValues = new Map();

  #types;

  /** @param {string} id @param {import('./api_calls.js').ApiCalls} calls @param {JobTypes} types */
  constructor(id, calls, types) {
    this.#types = types;
    this.#controls = new JobControls(id, calls, (message) => {
      this.#callError = message;
      if (this.#drawn) this.#drawError(this.#drawn);
    });
    this.root.dataset.job = id;
    const head = make('div', 'job-head');
    const words = make('div', 'job-words');
    words.append(this.#title, this.#subtitle);
    head.append(words, this.#state, this.#controls.root);
    this.#error.setAttribute('role', 'alert');
    this.root.append(head, this.#notice, this.#liars, this.#progress, this.#facts, this.#result);
    this.#detailsBox.append(make('summary', '', 'Details'), this.#details);
    this.root.append(this.#detailsBox, this.#notes, this.#error);
  }

  /** @param {Job} job @param {number} now */
  draw(job, now) {
    if (job !== this.#drawn) this.#drawChange(job);
    this.#drawn = job;
    this.#drawWords(job);
    this.#drawFacts(job, now);
  }

  /** Also for an unchanged job: the title of its type may have arrived. @param {Job} job */
  #drawWords(job) {
    const type = job.type ?? 'job';
    const title = this.#types.title(type);
    const isNamed = job.name !== undefined && job.name !== '' && job.name !== type;
    const parts = [isNamed && title, `job ${job.id}`, submittedText(job.submitted_at)];
    setText(this.#title, isNamed ? String(job.name) : title);
    setText(this.#subtitle, parts.filter(Boolean).join(' · '));
  }

  /** @param {Job} job */
  #drawChange(job) {
    const state = job.state ?? 'Queued';
    setText(this.#state, state);
    this.root.dataset.state = state.toLowerCase();
    this.#controls.draw(job);
    drawSentence(this.#notice, waitingText(job));
    drawSentence(this.#liars, liarsText(job));
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
    const advances = open && !job.waiting_for && job.state !== 'Paused';
    const tasks = `${formatCount(done)} of ${formatCount(total)}`;
    this.#fact('Tasks', total && (failed ? `${tasks}, ${formatCount(failed)} failed` : tasks));
    this.#fact('Done', open && total && formatShare(done / total));
    this.#fact('Rate', advances && `${formatRate(job.rate)} tasks/s`);
    this.#fact('Round', open && job.round && formatCount(job.round));
    this.#fact('Phase', open && job.phase);
    this.#fact('Validation', validationText(job));
    this.#fact('Elapsed', elapsedText(job, now));
    this.#fact('Deadline', deadlineText(job, now));
    const eta = advances && left(job.eta, now);
    this.#fact('Time left', typeof eta === 'number' && `about ${formatDuration(eta)}`);
  }

  /** @param {string} label @param {string | 0 | false | undefined} known if falsy, it is hidden */
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

  /** Notes about how the data was read. @param {Job} job */
  #drawNotes({ notes, result }) {
    const lines = notesOf({ notes }) ?? notesOf(result) ?? [];
    if (lines.length !== this.#notes.childElementCount) {
      this.#notes.replaceChildren(...lines.map((line) => make('li', '', line)));
    }
    setShown(this.#notes, lines.length > 0);
  }

  /** @param {Job} job */
  #drawError({ error }) {
    drawSentence(this.#error, [errorText(error), this.#callError].filter(Boolean).join(' '));
  }
}

/** @param {HTMLElement} target @param {string} text if empty, the element is hidden */
function drawSentence(target, text) {
  setText(target, text);
  setShown(target, text !== '');
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

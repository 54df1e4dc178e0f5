/** The workers' table: sorted, filtered, and limited in rows, to stay fast with many workers. */

import { element, make, setShown, setText } from '../dom.js';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatRate,
  formatShare,
  plural,
} from '../format.js';
import { filterWorkers, sortWorkers } from './sorting.js';
import { grown } from './state.js';

/** @typedef {import('./state.js').Worker} Worker */

const rowsStep = 100;

/**
 * In order of the table's head.
 * @type {{column: string, text: (worker: Worker, now: number) => string}[]}
 */
const columns = [
  { column: 'name', text: (worker) => worker.name || String(worker.id) },
  { column: 'kind', text: (worker) => worker.kind ?? '–' },
  { column: 'state', text: stateText },
  { column: 'action', text: actionFor },
  { column: 'slots', text: (worker) => formatCount(worker.slots) },
  { column: 'cpu', text: (worker) => formatShare(worker.cpu) },
  { column: 'memory', text: (worker) => formatBytes(worker.memory) },
  { column: 'rate', text: (worker) => formatRate(worker.processing_rate) },
  { column: 'tasks', text: (worker) => formatCount(worker.tasks_processed) },
  { column: 'seen', text: (worker, now) => seenText(grown(worker.last_seen, now)) },
  { column: 'current', text: (worker) => worker.current_task || '' },
];
const textColumns = new Set(['name', 'kind', 'state']);

export class WorkersView {
  /** @type {Map<string, HTMLTableRowElement>} */
  #rows = new Map();
  #order = { column: 'name', descending: false };
  #rowsMax = rowsStep;
  #body = element('workers', HTMLTableSectionElement);
  #filter = element('filter', HTMLInputElement);
  #more = element('workers-more', HTMLButtonElement);
  #error = element('workers-error', HTMLElement);
  #redraw;
  #calls;

  /**
   * @param {() => void} redraw requests a draw() soon
   * @param {import('./api_calls.js').ApiCalls} calls
   */
  constructor(redraw, calls) {
    this.#redraw = redraw;
    this.#calls = calls;
    this.#filter.addEventListener('input', redraw);
    this.#more.addEventListener('click', () => {
      this.#rowsMax += rowsStep;
      redraw();
    });
    for (const button of document.querySelectorAll('button[data-column]')) {
      if (!(button instanceof HTMLElement)) continue;
      button.addEventListener('click', () => this.#sortBy(button.dataset.column ?? 'name'));
    }
  }

  /** @param {Record<string, Worker>} workers by id @param {number} now */
  draw(workers, now) {
    const all = Object.values(workers);
    const wanted = sortWorkers(filterWorkers(all, this.#filter.value), this.#order);
    const shown = wanted.slice(0, this.#rowsMax);
    this.#dropRowsBut(new Set(shown.map(({ id }) => String(id))));
    shown.forEach((worker, place) => {
      const row = this.#rowOf(String(worker.id));
      drawRow(row, worker, now);
      if (this.#body.rows[place] !== row)
        this.#body.insertBefore(row, this.#body.rows[place] ?? null);
    });
    const hidden = wanted.length - shown.length;
    setShown(this.#more, hidden > 0);
    setText(this.#more, `and ${formatCount(hidden)} more`);
    setText(element('workers-count', HTMLElement), countText(wanted.length, all.length));
    setShown(element('workers-none', HTMLElement), all.length === 0);
    setShown(element('workers-table', HTMLElement), all.length > 0);
  }

  /** @param {string} column */
  #sortBy(column) {
    const same = this.#order.column === column;
    // Numbers are first sorted from the largest down, names from A to Z.
    this.#order = { column, descending: same ? !this.#order.descending : !textColumns.has(column) };
    for (const button of document.querySelectorAll('button[data-column]')) {
      const head = button.closest('th');
      const isSorted = button instanceof HTMLElement && button.dataset.column === column;
      if (isSorted)
        head?.setAttribute('aria-sort', this.#order.descending ? 'descending' : 'ascending');
      else head?.removeAttribute('aria-sort');
    }
    this.#redraw();
  }

  /** @param {Set<string>} kept */
  #dropRowsBut(kept) {
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
  }

  /** @param {string} id */
  #rowOf(id) {
    let row = this.#rows.get(id);
    if (!row) {
      row = make('tr');
      for (const { column } of columns) row.append(make('td', `column-${column}`));
      row.cells[0].append(make('span'), make('span', 'quarantine'));
      row.querySelector('.column-action')?.append(this.#actionButton(id));
      this.#rows.set(id, row);
    }
    return row;
  }

  /** The one button that fits the worker's state; its text says which. @param {string} id */
  #actionButton(id) {
    const button = make('button', 'quiet');
    button.type = 'button';
    button.hidden = true;
    button.addEventListener('click', async () => {
      const action = button.textContent;
      button.disabled = true;
      this.#showError('');
      try {
        if (action === 'Readmit') await this.#calls.readmit(id);
        else await this.#calls.drain(id, action === 'Drain');
      } catch (error) {
        this.#showError(error instanceof Error ? error.message : String(error));
      }
      button.disabled = false;
    });
    return button;
  }

  /** @param {string} message */
  #showError(message) {
    setText(this.#error, message);
    setShown(this.#error, message !== '');
  }
}

/** @param {HTMLTableRowElement} row @param {Worker} worker @param {number} now */
function drawRow(row, worker, now) {
  columns.forEach(({ text, column }, i) => {
    const cell = row.cells[i];
    if (column === 'action') return drawAction(cell, worker);
    const [name, why] = cell.children;
    setText(column === 'name' ? name : cell, text(worker, now));
    if (column === 'name') setText(why, quarantineText(worker));
  });
  const state = stateText(worker).toLowerCase();
  if (row.dataset.state !== state) row.dataset.state = state;
  const trust = trustText(worker);
  if (row.title !== trust) row.title = trust;
}

/** @param {HTMLTableCellElement} cell @param {Worker} worker */
function drawAction(cell, worker) {
  const button = cell.querySelector('button');
  const action = actionFor(worker);
  if (!button || button.textContent === action) return;
  setShown(button, action !== '');
  setText(button, action);
  button.setAttribute('aria-label', `${action} ${worker.name || worker.id}`);
}

/** @param {Worker} worker */
function stateText(worker) {
  return worker.quarantined ? 'Quarantined' : (worker.state ?? '–');
}

/** @param {Worker} worker */
function trustText({ validated }) {
  return validated ? `${plural(validated, 'result')} in a row confirmed by others` : '';
}

/** @param {Worker} worker */
function quarantineText({ quarantined }) {
  return quarantined ? `quarantined: ${quarantined}` : '';
}

/** The action that the worker's state permits, or ''. @param {Worker} worker */
function actionFor(worker) {
  if (worker.quarantined) return 'Readmit';
  if (worker.state === 'Lost') return '';
  return worker.drained ? 'Undrain' : 'Drain';
}

/** @param {number | undefined} seconds */
function seenText(seconds) {
  if (seconds === undefined) return '–';
  return seconds < 3 ? 'now' : `${formatDuration(seconds)} ago`;
}

/** @param {number} wanted @param {number} all */
function countText(wanted, all) {
  return wanted === all
    ? plural(all, 'worker')
    : `${formatCount(wanted)} of ${plural(all, 'worker')}`;
}

/** The worker page: draws the status of the link thread, and sends the user's wishes to it. */

import { element, setShown, setText } from '../dom.js';
import { formatCount, formatDuration, formatRate } from '../format.js';
import { hasWasmSimd } from './kernels.js';
import { browserStorage, clippedName, loadSettings, saveSettings, slotsMax } from './settings.js';
import { describe } from './view.js';

/** @typedef {import('./messages.js').LinkStatus} LinkStatus */

const storage = browserStorage();
const cores = Math.min(slotsMax, navigator.hardwareConcurrency || 2);
const openedAt = performance.now();
let settings = loadSettings(storage, {
  cores,
  userAgent: navigator.userAgent,
  search: location.search,
  randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
});
let paused = false;
/** @type {{status: LinkStatus, at: number} | null} */
let shown = null;

const card = element('status', HTMLElement);
const title = element('title', HTMLElement);
const detail = element('detail', HTMLElement);
const now = element('now', HTMLElement);
const pauseButton = element('pause', HTMLButtonElement);
const retryButton = element('retry', HTMLButtonElement);
const tokenForm = element('token-form', HTMLFormElement);
const tokenField = element('token', HTMLInputElement);
const slotsField = element('slots', HTMLInputElement);
const slotsShown = element('slots-shown', HTMLOutputElement);
const nameForm = element('name-form', HTMLFormElement);
const nameField = element('name', HTMLInputElement);

/** @param {string} heading @param {string} text */
function showTrouble(heading, text) {
  card.dataset.tone = 'trouble';
  setText(title, heading);
  setText(detail, text);
}

/** Starts the link thread; its script may be out of reach for a while. @returns {Worker} */
function startLink() {
  const link = new Worker(new URL('./link.js', import.meta.url), { type: 'module' });
  link.onmessage = ({ data }) => {
    shown = { status: data, at: performance.now() };
    followVersion(shown.status);
    draw();
  };
  link.onerror = (event) => {
    event.preventDefault();
    showTrouble('Cannot start', `${event.message || 'A script did not load'}. Reload this page.`);
  };
  link.postMessage({ type: 'start', settings, cores });
  return link;
}

/**
 * A tab that was left open for weeks may be older than its master, so it reloads the page. Only
 * once: if the master serves pages of another version than its own, it would reload for ever.
 * @param {LinkStatus} status
 */
function followVersion({ phase, version, masterVersion }) {
  if (phase !== 'joined' || version === masterVersion) return;
  const key = 'netcompute.reloaded_for';
  try {
    if (sessionStorage.getItem(key) === masterVersion) return;
    sessionStorage.setItem(key, masterVersion);
  } catch {
    return; // Without storage it cannot know whether it has reloaded already.
  }
  location.reload();
}

function draw() {
  setText(
    element('session-time', HTMLElement),
    formatDuration((performance.now() - openedAt) / 1000),
  );
  if (!shown) return;
  // Between two reports of the link thread, the countdown goes on here.
  const age = (performance.now() - shown.at) / 1000;
  const status = { ...shown.status, retrySeconds: shown.status.retrySeconds - age };
  const view = describe(status);
  card.dataset.tone = view.tone;
  card.dataset.phase = status.phase;
  setText(title, view.title);
  setText(detail, view.detail);
  setShown(pauseButton, status.phase !== 'refused');
  setShown(retryButton, view.canRetry);
  setShown(tokenForm, view.asksToken);
  drawWork(status);
}

/** @param {LinkStatus} status */
function drawWork({ current, tasksDone, tasksFailed, tasksPerSecond, slotsBusy, slots, worker }) {
  setShown(now, current !== null);
  if (current) {
    const { kernel, job, round, task } = current;
    setText(now, `${kernel} · job ${job}, round ${round}, task ${task}`);
  }
  const failed = tasksFailed > 0 ? ` (${formatCount(tasksFailed)} failed)` : '';
  setText(element('tasks-done', HTMLElement), formatCount(tasksDone) + failed);
  setText(element('rate', HTMLElement), formatRate(tasksPerSecond));
  setText(element('busy', HTMLElement), `${slotsBusy} of ${slots}`);
  setText(element('worker-id', HTMLElement), worker);
  const isAnother = worker !== settings.worker;
  setText(
    element('worker-note', HTMLElement),
    isAnother ? `, because another tab or PC goes by ${settings.worker} already` : '',
  );
}

/** @param {Worker} link @param {Partial<import('./messages.js').Settings>} change */
function changeSettings(link, change) {
  settings = { ...settings, ...change };
  saveSettings(storage, settings);
  link.postMessage({ type: 'settings', settings });
}

function drawSlots() {
  setText(slotsShown, `${slotsField.value} of ${cores}`);
}

/** @param {Worker} link */
function listen(link) {
  pauseButton.disabled = false;
  pauseButton.addEventListener('click', () => {
    paused = !paused;
    setText(pauseButton, paused ? 'Resume' : 'Pause');
    link.postMessage({ type: 'pause', paused });
  });
  retryButton.addEventListener('click', () => link.postMessage({ type: 'retry' }));
  tokenForm.addEventListener('submit', (event) => {
    event.preventDefault();
    changeSettings(link, { token: tokenField.value });
    link.postMessage({ type: 'retry' });
  });
  slotsField.addEventListener('input', drawSlots);
  slotsField.addEventListener('change', () => {
    changeSettings(link, { slots: Number(slotsField.value) });
  });
  nameForm.addEventListener('submit', (event) => {
    event.preventDefault();
    changeSettings(link, { name: clippedName(nameField.value) });
  });
  // A hidden page leaves the master. It rejoins if the back/forward cache shows it again.
  addEventListener('pagehide', () => link.postMessage({ type: 'leave' }));
  addEventListener('pageshow', (event) => {
    if (event.persisted) link.postMessage({ type: 'retry' });
  });
}

/** Keeps the PC awake while the page is visible, if the browser allows it. */
async function stayAwake() {
  try {
    if (document.visibilityState === 'visible') await navigator.wakeLock?.request('screen');
  } catch {
    // Low battery or a policy: then the PC may sleep, and the page reconnects afterwards.
  }
}

function main() {
  slotsField.max = String(cores);
  slotsField.value = String(settings.slots);
  nameField.value = settings.name;
  drawSlots();
  if (!hasWasmSimd()) {
    showTrouble(
      'This browser cannot take part',
      'It lacks WebAssembly SIMD. Chrome and Edge 91, Firefox 114, Safari 16.4 and later have it.',
    );
    return;
  }
  listen(startLink());
  setInterval(draw, 500);
  document.addEventListener('visibilitychange', stayAwake);
  stayAwake();
}

main();

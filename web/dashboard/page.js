/** The dashboard: applies the feed's messages to one state tree, and draws the changes. */

import { element, setShown, setText } from '../dom.js';
import { Feed } from './feed.js';
import { JobTypes } from './job_types.js';
import { JobsView } from './jobs_view.js';
import { LongResults } from './long_results.js';
import { ApiCalls } from './api_calls.js';
import { emptyState, fold } from './state.js';
import { Tiles } from './tiles.js';
import { readToken, rememberToken } from './token.js';
import { WorkersView } from './workers_view.js';

/** @typedef {import('./feed.js').FeedStatus} FeedStatus */

let state = emptyState;
let token = readToken();
/** @type {FeedStatus} */
let status = { kind: 'connecting' };
let drawAsked = false;

const tiles = new Tiles();
const calls = new ApiCalls(() => token);
const jobTypes = new JobTypes();
const jobs = new JobsView(calls, jobTypes);
const workers = new WorkersView(drawSoon, calls);
const longResults = new LongResults(() => {
  state = longResults.fill(state);
  drawSoon();
});
const feed = new Feed({
  token,
  onMessage: (message) => {
    state = longResults.fill(fold(state, message, performance.now()));
    drawSoon();
  },
  onStatus: (changed) => {
    status = changed;
    drawSoon();
  },
});

function drawSoon() {
  if (drawAsked) return;
  drawAsked = true;
  requestAnimationFrame(() => {
    drawAsked = false;
    draw();
  });
}

function draw() {
  const now = performance.now();
  drawStatus(now);
  tiles.draw(state.cluster, now);
  jobs.draw(state.jobs, now);
  workers.draw(state.workers, now);
}

/** @param {number} now */
function drawStatus(now) {
  const lamp = element('feed', HTMLElement);
  lamp.dataset.tone =
    status.kind === 'live' ? 'busy' : status.kind === 'connecting' ? '' : 'trouble';
  setText(element('feed-text', HTMLElement), status.kind === 'live' ? 'Live' : 'Not connected');
  const notice = element('feed-notice', HTMLElement);
  setText(notice, noticeText(status, now));
  setShown(notice, status.kind === 'waiting');
  setShown(element('token-form', HTMLElement), status.kind === 'refused');
}

/** @param {FeedStatus} status @param {number} now */
function noticeText(status, now) {
  if (status.kind !== 'waiting') return '';
  const seconds = Math.max(0, Math.ceil((status.retryAt - now) / 1000));
  const when = seconds === 0 ? 'now' : `in ${seconds} s`;
  return `The master cannot be reached: these are the last figures known. Trying again ${when}.`;
}

function main() {
  const form = element('token-form', HTMLFormElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    token = element('token', HTMLInputElement).value;
    rememberToken(token);
    feed.connect(token);
  });
  element('copy', HTMLButtonElement).addEventListener('click', copyJoinUrl);
  // The clipboard API needs a secure context. Over plain HTTP, people can select the address.
  setShown(element('copy', HTMLButtonElement), navigator.clipboard !== undefined);
  setInterval(() => {
    tiles.sample(state.cluster);
    drawSoon();
  }, 1000);
  feed.connect();
  jobTypes.load().then(drawSoon);
  drawSoon();
}

async function copyJoinUrl() {
  await navigator.clipboard.writeText(element('join-url', HTMLAnchorElement).href);
  setText(element('copy', HTMLButtonElement), 'Copied');
}

main();

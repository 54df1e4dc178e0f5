/** The cluster's figures, the rate's curve, and how to add PCs. */

import { element, setShown, setText } from '../dom.js';
import { formatCount, formatDuration, formatRate } from '../format.js';
import { siteUrl } from '../site.js';
import { drawSparkline } from './sparkline.js';
import { grown } from './state.js';

/** @typedef {import('./state.js').Cluster} Cluster */

const curveSecondsMax = 120;

export class Tiles {
  /** @type {number[]} one a second */
  #rates = [];

  /** @param {Cluster} cluster @param {number} now */
  draw(cluster, now) {
    const { native, browser } = cluster.workers ?? {};
    const isKnown = native !== undefined || browser !== undefined;
    const total = isKnown ? (native ?? 0) + (browser ?? 0) : undefined;
    const kinds = `${formatCount(native)} native, ${formatCount(browser)} browser`;
    setText(element('workers-total', HTMLElement), formatCount(total));
    setText(element('workers-kinds', HTMLElement), kinds);
    setText(element('slots', HTMLElement), formatCount(cluster.slots));
    setText(element('rate', HTMLElement), formatRate(cluster.tasks_per_second));
    setText(element('tasks-done', HTMLElement), formatCount(cluster.tasks_done));
    setText(element('uptime', HTMLElement), formatDuration(grown(cluster.uptime, now)));
    setText(
      element('version', HTMLElement),
      cluster.version ? `NetCompute ${cluster.version}` : '',
    );
    this.#drawStates(cluster.workers?.by_state ?? {});
    drawJoinBox(cluster.join_url);
  }

  /** Once a second. @param {Cluster} cluster */
  sample(cluster) {
    this.#rates.push(cluster.tasks_per_second ?? 0);
    if (this.#rates.length > curveSecondsMax) this.#rates.shift();
    drawSparkline(element('curve', HTMLElement), this.#rates, curveSecondsMax);
  }

  /** @param {Record<string, number>} byState */
  #drawStates(byState) {
    const parts = Object.entries(byState).filter(([, count]) => count > 0);
    const text = parts.map(([state, count]) => `${formatCount(count)} ${state.toLowerCase()}`);
    setText(element('workers-states', HTMLElement), text.join(', '));
  }
}

/**
 * @param {string | undefined} joinUrl from the master; if missing, this page's own address is used
 */
function drawJoinBox(joinUrl) {
  const link = element('join-url', HTMLAnchorElement);
  const url = joinUrl && /^https?:\/\//.test(joinUrl) ? joinUrl : siteUrl('worker');
  if (link.href !== url) link.href = url;
  setText(link, url);
  const host = new URL(url).hostname;
  const isLocal = host === 'localhost' || host.startsWith('127.') || host === '[::1]';
  setShown(element('join-local', HTMLElement), isLocal);
}

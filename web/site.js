/**
 * URLs of the master. A proxy may serve the master below a path, so every URL is relative to the
 * URL of this file.
 */

const root = new URL('../', import.meta.url);

/** @param {string} path without a slash at its start: "api/v1/jobs" */
export function siteUrl(path) {
  return new URL(path, root).href;
}

/** The same for a WebSocket. @param {string} path */
export function socketUrl(path) {
  const url = new URL(path, root);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

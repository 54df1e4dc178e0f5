/** The dashboard's calls to the API of the master, with the token if there is one. */

import { siteUrl } from '../site.js';

export class ApiCalls {
  #token;

  /** @param {() => string} token empty if there is none */
  constructor(token) {
    this.#token = token;
  }

  /** @param {string} job */
  cancel(job) {
    return this.#send('DELETE', jobPath(job), 'Not cancelled');
  }

  /** @param {string} job @param {boolean} paused */
  pause(job, paused) {
    const verb = paused ? 'pause' : 'resume';
    return this.#send('POST', `${jobPath(job)}/${verb}`, `Not ${verb}d`);
  }

  /** @param {string} job @param {number} priority */
  prioritize(job, priority) {
    return this.#send('POST', `${jobPath(job)}/priority`, 'Priority not changed', { priority });
  }

  /** @param {string} worker @param {boolean} drained */
  drain(worker, drained) {
    const verb = drained ? 'drain' : 'undrain';
    return this.#send('POST', `${workerPath(worker)}/${verb}`, `Not ${verb}ed`);
  }

  /** @param {string} worker */
  readmit(worker) {
    return this.#send('POST', `${workerPath(worker)}/readmit`, 'Not readmitted');
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {string} failure how the error message begins
   * @param {object} [body]
   * @throws {Error} with a message for people
   */
  async #send(method, path, failure, body) {
    const token = this.#token();
    /** @type {Record<string, string>} */
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    let response;
    try {
      response = await fetch(siteUrl(path), {
        method,
        headers,
        body: body && JSON.stringify(body),
      });
    } catch {
      throw new Error(`${failure}: the master cannot be reached.`);
    }
    if (response.ok) return;
    const answer = await response.json().catch(() => ({}));
    throw new Error(`${failure}: ${answer?.error?.message ?? `HTTP status ${response.status}`}`);
  }
}

/** @param {string} job */
function jobPath(job) {
  return `api/v1/jobs/${encodeURIComponent(job)}`;
}

/** @param {string} worker */
function workerPath(worker) {
  return `api/v1/workers/${encodeURIComponent(worker)}`;
}

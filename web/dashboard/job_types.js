/** The titles of the job types, read once from the master. */

import { siteUrl } from '../site.js';
import { isObject } from './merge_patch.js';

/** @returns {Promise<unknown>} */
async function readJobTypes() {
  const response = await fetch(siteUrl('api/v1/job_types'));
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return response.json();
}

export class JobTypes {
  /** @type {Map<string, string>} */
  #titles = new Map();
  #read;

  /** @param {() => Promise<unknown>} [read] */
  constructor(read = readJobTypes) {
    this.#read = read;
  }

  /** Never fails: without titles from the master, they are made from the names. */
  async load() {
    try {
      const types = await this.#read();
      for (const type of Array.isArray(types) ? types : []) {
        if (isObject(type)) this.#titles.set(String(type.name), String(type.title));
      }
    } catch (error) {
      console.warn('The titles of job types cannot be read:', error);
    }
  }

  /** The title to show for a job type. @param {string} name */
  title(name) {
    const known = this.#titles.get(name);
    if (known !== undefined) return known;
    const spaced = name.replaceAll('_', ' ');
    return spaced.charAt(0).toUpperCase() + spaced.slice(1);
  }
}

/** Real Chromium for tests, the one that Debian packages. */

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const executablePath =
  process.env.NETCOMPUTE_CHROMIUM ??
  ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((file) =>
    existsSync(file),
  );

/** A name for 127.0.0.1 that browsers do not trust as they trust loopback. */
export const insecureHost = 'netcompute.test';

function launchOptions() {
  if (!executablePath) {
    throw new Error(
      'Chromium: not found; install the package "chromium" or set NETCOMPUTE_CHROMIUM',
    );
  }
  return {
    executablePath,
    args: [
      '--no-sandbox',
      `--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`,
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  };
}

/** @returns {Promise<import('playwright-core').Browser>} */
export function launchBrowser() {
  return chromium.launch(launchOptions());
}

/** A browser whose processes a test may stop and continue, all at once. */
export async function launchBrowserServer() {
  const server = await chromium.launchServer(launchOptions());
  const browser = await chromium.connect(server.wsEndpoint());
  return {
    browser,
    /** @param {NodeJS.Signals} name */
    signal(name) {
      // They are one process group, which the first of them leads.
      process.kill(-Number(server.process().pid), name);
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/**
 * Fails a test whose page logs an error or breaks its content security policy.
 * @param {import('playwright-core').Page} page
 * @returns {string[]} what went wrong so far
 */
export function pageErrors(page) {
  /** @type {string[]} */
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  return errors;
}

/**
 * Waits until the first element there has this text, or one that matches.
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 * @param {string | RegExp} wanted
 */
export async function waitForText(page, selector, wanted) {
  const source = wanted instanceof RegExp ? wanted.source : null;
  await page.waitForFunction(
    ([where, pattern, text]) => {
      const found = document.querySelector(String(where))?.textContent ?? '';
      return pattern === null ? found === text : new RegExp(String(pattern)).test(found);
    },
    [selector, source, String(wanted)],
  );
}

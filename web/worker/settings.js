/**
 * Settings that this browser stores between visits. Where storage is refused (private windows,
 * policies), each visit starts with fresh settings, and everything else works.
 *
 * @typedef {import('./messages.js').Settings} Settings
 */

const storageKey = 'netcompute.worker';
// Limits of the protocol (netcompute/protocol/messages.hpp); the agent checks them as well.
export const nameBytesMax = 200;
export const slotsMax = 1024;

/** @param {Storage | null} storage @returns {Record<string, unknown>} */
function read(storage) {
  try {
    const stored = JSON.parse(storage?.getItem(storageKey) ?? '{}');
    return typeof stored === 'object' && stored !== null ? stored : {};
  } catch {
    return {};
  }
}

/** @param {Storage | null} storage @param {Settings} settings */
export function saveSettings(storage, settings) {
  try {
    storage?.setItem(storageKey, JSON.stringify(settings));
  } catch {
    // Storage is full or refused: the settings last as long as the page.
  }
}

/** The browser's storage, or null where it is refused. @returns {Storage | null} */
export function browserStorage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * @param {Storage | null} storage
 * @param {{cores: number, userAgent: string, search: string,
 *          randomBytes: (count: number) => Uint8Array}} browser
 * @returns {Settings}
 */
export function loadSettings(storage, { cores, userAgent, search, randomBytes }) {
  const stored = read(storage);
  const token = new URLSearchParams(search).get('token');
  /** @type {Settings} */
  const settings = {
    worker: isWorkerId(stored.worker) ? stored.worker : `browser-${hex(randomBytes(12))}`,
    secret: isSecret(stored.secret) ? stored.secret : hex(randomBytes(16)),
    name: typeof stored.name === 'string' ? clippedName(stored.name) : browserName(userAgent),
    token: token ?? (typeof stored.token === 'string' ? stored.token : ''),
    slots: isSlotCount(stored.slots, cores) ? stored.slots : cores,
  };
  saveSettings(storage, settings);
  return settings;
}

/** @param {unknown} value @returns {value is string} */
function isWorkerId(value) {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{8,64}$/.test(value);
}

/** @param {unknown} value @param {number} cores @returns {value is number} */
function isSlotCount(value, cores) {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= cores;
}

/** What proves that the id is this browser's. @param {unknown} value @returns {value is string} */
function isSecret(value) {
  return typeof value === 'string' && /^[0-9a-f]{32,64}$/.test(value);
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  let digits = '';
  for (const byte of bytes) digits += byte.toString(16).padStart(2, '0');
  return digits;
}

/** Cut to what the protocol takes, between characters. @param {string} name */
export function clippedName(name) {
  const trimmed = [...name.trim()];
  const encoder = new TextEncoder();
  while (encoder.encode(trimmed.join('')).length > nameBytesMax) trimmed.pop();
  return trimmed.join('');
}

/** Short, for people: "Firefox on Windows". @param {string} userAgent */
export function browserName(userAgent) {
  const browsers = [
    ['Edg', 'Edge'],
    ['OPR/', 'Opera'],
    ['Firefox/', 'Firefox'],
    ['FxiOS/', 'Firefox'],
    ['CriOS/', 'Chrome'],
    ['Chrome/', 'Chrome'],
    ['Safari/', 'Safari'],
  ];
  const systems = [
    ['Windows', 'Windows'],
    ['Android', 'Android'],
    ['iPhone', 'iPhone'],
    ['iPad', 'iPad'],
    ['Mac OS', 'macOS'],
    ['CrOS', 'ChromeOS'],
    ['Linux', 'Linux'],
  ];
  const browser = browsers.find(([mark]) => userAgent.includes(mark))?.[1] ?? 'Browser';
  const system = systems.find(([mark]) => userAgent.includes(mark))?.[1];
  return system ? `${browser} on ${system}` : browser;
}

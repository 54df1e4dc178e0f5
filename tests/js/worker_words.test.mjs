// What the worker page remembers, measures and says.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { hasWasmSimd } from '../../web/worker/kernels.js';
import { browserName, clippedName, loadSettings, saveSettings } from '../../web/worker/settings.js';
import { describe } from '../../web/worker/view.js';

const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36';

class FakeStorage {
  /** @type {Map<string, string>} */
  #items = new Map();

  /** @param {string} name */
  getItem(name) {
    return this.#items.get(name) ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    this.#items.set(name, value);
  }
}

/** @param {unknown} storage @param {Partial<Parameters<typeof loadSettings>[1]>} [browser] */
function load(storage, browser = {}) {
  return loadSettings(/** @type {Storage | null} */ (storage), {
    cores: 8,
    userAgent: chrome,
    search: '',
    randomBytes: (count) => new Uint8Array(count).fill(0xab),
    ...browser,
  });
}

test('a first visit lends all cores under a new id and a plain name', () => {
  assert.deepEqual(load(new FakeStorage()), {
    worker: `browser-${'ab'.repeat(12)}`,
    secret: 'ab'.repeat(16),
    name: 'Chrome on Linux',
    token: '',
    slots: 8,
  });
});

test('settings last across visits, and a token in the address replaces the stored one', () => {
  const storage = new FakeStorage();
  const secret = '0123456789abcdef'.repeat(2);
  const settings = { worker: 'browser-12345678', secret, name: 'Büro 7', token: 'old', slots: 3 };
  saveSettings(/** @type {any} */ (storage), settings);
  assert.deepEqual(load(storage), settings);
  assert.equal(load(storage, { search: '?token=new' }).token, 'new');
  assert.equal(load(storage).token, 'new');
});

test('an id from before there were secrets keeps its id, and its secret stays the same', () => {
  const storage = new FakeStorage();
  storage.setItem('netcompute.worker', '{"worker":"browser-12345678"}');
  const first = load(storage);
  assert.equal(first.worker, 'browser-12345678');
  assert.match(first.secret, /^[0-9a-f]{32}$/);
  const other = (/** @type {number} */ count) => new Uint8Array(count).fill(0xcd);
  assert.deepEqual(load(storage, { randomBytes: other }), first);
});

test('what is stored is not trusted', () => {
  const storage = new FakeStorage();
  for (const stored of [
    'null',
    '7',
    'not json',
    '{"worker":"<b>","secret":"g","slots":99,"name":5,"token":{}}',
  ]) {
    storage.setItem('netcompute.worker', stored);
    assert.deepEqual(load(storage), load(new FakeStorage()));
  }
});

test('a browser that refuses storage can take part all the same', () => {
  const refusing = {
    getItem: () => {
      throw new DOMException('denied', 'SecurityError');
    },
    setItem: () => {
      throw new DOMException('denied', 'SecurityError');
    },
  };
  assert.equal(load(refusing).slots, 8);
  assert.equal(load(null).slots, 8);
});

test('browsers are told apart by what only they say', () => {
  const names = [
    [chrome, 'Chrome on Linux'],
    [`${chrome} Edg/140.0`, 'Edge on Linux'],
    ['Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1',
      'Safari on iPhone',
    ],
    ['Mozilla/5.0 (Linux; Android 14) Chrome/140.0 Mobile Safari/537.36', 'Chrome on Android'],
    ['', 'Browser'],
  ];
  for (const [userAgent, name] of names) assert.equal(browserName(userAgent), name);
});

test('a long name is cut between characters', () => {
  const cut = clippedName('  é😀'.repeat(100));
  assert.ok(Buffer.byteLength(cut) <= 200 && Buffer.byteLength(cut) > 190);
  assert.equal(cut, Buffer.from(cut).toString());
});

test('SIMD is there in this Node, and its absence is told', (context) => {
  assert.equal(hasWasmSimd(), true);
  context.mock.method(WebAssembly, 'validate', () => false);
  assert.equal(hasWasmSimd(), false);
});

/** @type {import('../../web/worker/messages.js').LinkStatus} */
const idle = {
  phase: 'joined',
  reason: '',
  refusedCode: '',
  retrySeconds: 0,
  paused: false,
  draining: false,
  problem: '',
  version: '1',
  masterVersion: '1',
  worker: 'browser-1',
  slots: 4,
  slotsBusy: 0,
  leases: 0,
  current: null,
  tasksDone: 0,
  tasksFailed: 0,
  tasksPerSecond: 0,
  cpu: 0,
  memoryBytes: 0,
};

test('every state has its words', () => {
  /** @type {[Partial<typeof idle>, string, RegExp][]} */
  const states = [
    [{ phase: 'connecting' }, 'Connecting', /connecting to the master/],
    [{}, 'Waiting for work', /no task/],
    [{ slotsBusy: 3 }, 'Computing', /3 of 4 cores/],
    [{ paused: true }, 'Paused', /Still connected/],
    [{ paused: true, phase: 'left' }, 'Paused', /^This PC takes no new work/],
    [{ paused: true, draining: true, slotsBusy: 1 }, 'Pausing', /Finishing/],
    [
      { phase: 'waiting', reason: 'the connection broke', retrySeconds: 3.2 },
      'Master unreachable',
      /^The connection broke\. Trying again in 4 s\.$/,
    ],
    [{ phase: 'waiting', reason: 'x', retrySeconds: -1 }, 'Master unreachable', /Trying again now/],
    [
      { phase: 'refused', reason: 'no', refusedCode: 'refused_token' },
      'Refused',
      /Enter the token/,
    ],
    [
      { phase: 'refused', reason: 'no', refusedCode: 'refused_protocol' },
      'Refused',
      /Reload this page/,
    ],
    [{ problem: 'out of memory' }, 'Cannot compute', /Out of memory\. Trying again/],
  ];
  for (const [change, title, detail] of states) {
    const view = describe({ ...idle, .../** @type {object} */ (change) });
    assert.equal(view.title, title);
    assert.match(view.detail, detail);
  }
});

test('only a refused token asks for a token', () => {
  const refused = { ...idle, phase: /** @type {const} */ ('refused') };
  assert.equal(describe({ ...refused, refusedCode: 'refused_token' }).asksToken, true);
  assert.equal(describe({ ...refused, refusedCode: 'refused_protocol' }).asksToken, false);
  assert.equal(describe(idle).asksToken, false);
});

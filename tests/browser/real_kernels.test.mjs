// The worker page with the WebAssembly build that is shipped: right bytes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { launchBrowser, pageErrors } from '../support/browser.mjs';
import { MockMaster } from '../support/mock_master.mjs';

const wasmFolder = process.env.NETCOMPUTE_WASM_DIR;
assert.ok(wasmFolder, 'NETCOMPUTE_WASM_DIR: not set; name the folder with netcompute_kernels.wasm');

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {MockMaster} */
let master;

before(async () => {
  master = await new MockMaster({ wasmFolder }).start();
  browser = await launchBrowser();
});
after(async () => {
  await browser.close();
  await master.stop();
});

/** @param {number} index */
function payloadOf(index) {
  const payload = Buffer.alloc(64, index % 251);
  payload.writeUInt32LE(index);
  return payload;
}

test('fifty thousand noop tasks come back byte for byte through one tab', async () => {
  const page = await browser.newPage();
  const errors = pageErrors(page);
  await page.goto(`${master.origin}/worker`);
  const session = await master.nextSession();
  session.welcome({ version: session.hello.version });
  const leaseTasks = 10_000;
  const leaseCount = 5;
  for (let lease = 1; lease <= leaseCount; ++lease) {
    const tasks = Array.from({ length: leaseTasks }, (_, i) => {
      const index = (lease - 1) * leaseTasks + i;
      return { index, inputs: [payloadOf(index)] };
    });
    session.lease({ lease, kernel: 'noop', tasks });
  }
  for (let lease = 1; lease <= leaseCount; ++lease) {
    for (const { index, status, bytes } of await session.outcomes(lease, leaseTasks)) {
      assert.equal(status, 0, bytes.toString());
      assert.ok(bytes.equals(payloadOf(index)), `task ${index} came back changed`);
    }
  }
  assert.deepEqual(errors, []);
  await page.close();
});

test('a blob is checked by the shipped SHA-256, and an unknown kernel is named', async () => {
  const payload = payloadOf(7);
  const sha256 = createHash('sha256').update(payload).digest('hex');
  master.blobs.set(sha256, payload);
  const page = await browser.newPage();
  await page.goto(`${master.origin}/worker`);
  const session = await master.nextSession();
  session.welcome({ version: session.hello.version });
  const blob = { sha256, size: payload.length };
  session.lease({ lease: 1, kernel: 'noop', tasks: [{ index: 0, inputs: [blob] }] });
  session.lease({ lease: 2, kernel: 'unheard_of', tasks: [{ index: 0, inputs: [] }] });
  assert.ok((await session.outcomes(1, 1))[0].bytes.equals(payload));
  const [unknown] = await session.outcomes(2, 1);
  assert.equal(unknown.status, 3);
  assert.match(unknown.bytes.toString(), /unheard_of/);
  await page.close();
});

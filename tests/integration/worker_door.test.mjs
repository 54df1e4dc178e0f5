// How a native worker finds its master: by all that people write for its address, with the real
// reason where it does not, and as the same worker the next time.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { Cluster, workerProgram } from '../support/cluster.mjs';
import { Program, runProgram } from '../support/program.mjs';

/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start();
});
after(() => cluster?.close());

/** One that knows nothing but what it is told. @param {string[]} args
 * @param {Record<string, string>} [env] @param {string[]} [within] */
function worker(args, env = { XDG_STATE_HOME: cluster.file('door-state') }, within = []) {
  const [file, ...rest] = [...within, workerProgram, ...args];
  return new Program(file, rest, { cwd: cluster.file('Data'), env });
}

/** @param {Program} program */
async function end(program) {
  program.kill('SIGTERM');
  await program.ended;
}

test('the address of the dashboard, or of a page, is enough', async () => {
  const { host } = new URL(cluster.origin);
  for (const address of [host, cluster.origin, `${cluster.origin}/worker?token=x#y`]) {
    const one = worker(['--master', address]);
    await one.until(/joined the master/);
    await end(one);
  }
});

test('what cannot be an address ends the worker at once, and is named', async () => {
  for (const address of ['https://office/', 'office:0', '[::1', 'my office', 'tcp://office:5555']) {
    const { code, stderr } = await runProgram(workerProgram, ['--master', address]);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(`"${address}"`), stderr);
  }
});

test('each failure says its real reason', async () => {
  const { hostname, port } = new URL(cluster.origin);
  for (const [address, reason] of [
    ['no-such-pc.invalid', /the name "no-such-pc\.invalid" does not resolve/],
    ['no-such-pc.invalid:5051', /the name "no-such-pc\.invalid" does not resolve/],
    [`${hostname}:1`, /127\.0\.0\.1:1 refuses the connection/],
  ]) {
    const one = worker(['--master', String(address)]);
    await one.until(/** @type {RegExp} */ (reason));
    await end(one);
  }
  // The port of the pages where that of the tasks belongs: what answers there is no ZeroMQ.
  const config = { master: { ip: hostname, task_port: Number(port) } };
  writeFileSync(cluster.file('wrong-port.json'), JSON.stringify(config));
  const one = worker(['--config', cluster.file('wrong-port.json')]);
  await one.until(/does not speak ZeroMQ|takes the connection and then says nothing/);
  await end(one);
});

test('a worker that may use one core has one slot', async () => {
  const one = worker(['--master', cluster.origin], undefined, ['taskset', '-c', '0']);
  await one.until(/cores that this worker may use: 1, by (its CPU affinity|the CPU quota)/);
  await one.until(/joined the master at .* with 1 slots/);
  await end(one);
});

test('without a place to write its id down it is the same worker at the next start', async () => {
  const nowhere = { HOME: '/proc', XDG_STATE_HOME: '', STATE_DIRECTORY: '' };
  const ids = new Set();
  for (let i = 0; i < 2; ++i) {
    const one = worker(['--master', cluster.origin], nowhere);
    ids.add((await one.until(/joined the master .* as (\S+) with/))[1]);
    await end(one);
  }
  assert.equal(ids.size, 1, [...ids].join(' '));
});

// A master as it is run for months: what its log and its audit log say, in which files, and that
// it reads its config again while it works.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { binaryFolder, Cluster, freePorts, repository, writeJson } from '../support/cluster.mjs';
import { Program, runProgram } from '../support/program.mjs';
import { RawWorker } from '../support/raw_worker.mjs';

const token = 'correct-horse-battery';
const dated = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (info|warning|error|debug) /;
/** Controls but the line feed, marks of direction, separators of lines, zero widths. */
// eslint-disable-next-line no-control-regex
const unprintable = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start({ config: { security: { join_token: token } } });
});
after(() => cluster?.close());

/** @param {string} given @returns {Record<string, string>} */
const bearer = (given) => ({ Authorization: `Bearer ${given}` });

/** @param {string} [name] @returns {any[]} */
function audited(name = 'state/audit.log') {
  return cluster
    .read(name)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The config with other sections, read by the master. @param {object | string} sections */
async function reload(sections) {
  const said = cluster.master.lines.length;
  if (typeof sections === 'string') writeFileSync(cluster.file('config.json'), sections);
  else writeJson(cluster.folder, 'config.json', freePorts(sections));
  cluster.master.kill('SIGHUP');
  await cluster.master.until(/ read config\.json again|the configuration stays as it was/, said);
  return cluster.master.lines.slice(said).join('\n');
}

test('every line of both logs is dated with its zone', async () => {
  const worker = await cluster.startWorker({ name: 'lab-1' });
  await cluster.run('noop', { task_count: 3 });
  await cluster.master.until(/lab-1.* joined/);
  const master = cluster.master.stderr.trim().split('\n');
  assert.ok(master.length >= 3);
  for (const line of [...master, ...worker.lines]) assert.match(line, dated);
});

test('what strangers call themselves is shown, and forges nothing, in both logs', async () => {
  const names = [
    'a\n12:00:00.000 info forged line',
    '\x1b[2J\x1b[31mred',
    'c1-csi:\u009b31mred',
    'bidi \u202eevil\u202c',
    'nul\0x',
    '\u2028line',
    'zero\u200bwidth',
  ];
  for (const name of names) {
    const said = cluster.master.lines.length;
    const peer = await RawWorker.join(cluster.origin, { name, token });
    await cluster.master.until(/browser worker .* joined/, said);
    peer.close();
    const id = await cluster.submit('noop', { task_count: 1 }, { name });
    await cluster.resultOf(id);
  }
  const text = cluster.master.stderr;
  assert.doesNotMatch(text, unprintable);
  assert.match(text, /a\\x0a12:00:00\.000 info forged line/);
  assert.match(text, /c1-csi:\\u009b31mred/);
  assert.match(text, /bidi \\u202eevil\\u202c/);
  for (const line of text.trim().split('\n')) assert.match(line, dated);

  writeJson(cluster.folder, 'other.json', { ...cluster.endpoints });
  const stranger = await cluster.startWorker({
    name: '\x1b[2J\u202e',
    config: 'other.json',
    joins: false,
  });
  await stranger.ended;
  assert.match(stranger.stdout, /\\x1b\[2J\\u202e/);
  assert.doesNotMatch(stranger.stdout + stranger.stderr, unprintable);
});

test('column names of a table do not command the terminal of --mode train', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i},${(i * 3 + (i >> 3)) % 2},${i % 7},${i}`);
  const header = 'PassengerId,Survived,\x1b]0;owned\x07\x1b[2Jcol,x';
  writeFileSync(cluster.file('Data/evil.csv'), `${header}\n${rows.join('\n')}\n`);
  writeJson(cluster.folder, 'train.json', freePorts());
  const { stdout, stderr } = await runProgram(
    path.join(binaryFolder, 'bin/netcompute-master'),
    [
      ...['--config', 'train.json', '--state-dir', 'state-train', '--local-slots', '1'],
      ...['--mode', 'train', '--once', '--train-data', 'Data/evil.csv'],
    ],
    { cwd: cluster.folder },
  );
  assert.match(stdout, /weight|trained/, stderr);
  assert.match(stdout, /\\x1b\]0;owned\\x07\\x1b\[2Jcol/);
  assert.doesNotMatch(stdout + stderr, unprintable);
});

test('whoever repeats itself is cut short, and what was left out is counted', async () => {
  for (let i = 0; i < 80; ++i) {
    const stranger = await RawWorker.connect(cluster.origin);
    stranger.hello({ token: 'wrong-token' });
    await stranger.next('goodbye');
  }
  const refusals = cluster.master.stderr.match(/refused a worker at/g) ?? [];
  assert.ok(refusals.length > 0 && refusals.length <= 60, `${refusals.length} lines`);
  const { text } = await cluster.ask('/metrics');
  const left = Number(text.match(/^netcompute_log_lines_left_out_total (\d+)$/m)?.[1]);
  assert.ok(left >= 20, `${left} were left out`);
  assert.match(text, /^netcompute_workers_refused_total \d+$/m);
});

test('the audit log has each call that changes something, and how it ended', async () => {
  const before = audited().length;
  const headers = bearer(token);
  const post = (/** @type {string} */ target, /** @type {unknown} */ body = undefined) =>
    cluster.ask(`/api/v1/${target}`, { method: 'POST', headers, body });
  const spec = (await cluster.ask('/api/v1/openapi.json')).json;
  const [worker] = (await cluster.workerDocuments()).filter((one) => one.name === 'lab-1');
  await post(`workers/${worker.id}/drain`);
  const id = await cluster.submit('noop', { task_count: 5 }); // It waits: nobody works.
  await post(`jobs/${id}/pause`);
  await post(`jobs/${id}/resume`);
  await post(`jobs/${id}/priority`, { priority: 3 });
  await post(`jobs/${id}/priority`, { priority: 'high' });
  await cluster.ask(`/api/v1/jobs/${id}`, { method: 'DELETE', headers });
  await post(`workers/${worker.id}/undrain`);
  await post(`workers/${worker.id}/readmit`);
  await post('jobs', '{"type": "no such type"}');
  await cluster.ask('/api/v1/jobs', { method: 'POST', body: { type: 'noop' } });
  await cluster.ask(`/api/v1/jobs/${id}`);
  const file = '/api/v1/files/t.csv';
  await cluster.ask(file, { method: 'PUT', headers, body: 'a\n1\n' });
  await cluster.ask(file, { method: 'PUT', headers, body: 'b\n' });
  await cluster.ask(file);
  await cluster.ask(file, { method: 'DELETE', headers });

  const written = audited().slice(before);
  for (const one of written) {
    assert.match(one.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d$/);
    assert.equal(one.address, '127.0.0.1');
  }
  assert.deepEqual(
    written.map(({ action, who, job, worker: whose, outcome, detail }) =>
      [action, who, job ?? whose ?? detail, outcome].join(' '),
    ),
    [
      `drain token ${worker.id} ok`,
      `submit token ${id} ok`,
      `pause token ${id} ok`,
      `resume token ${id} ok`,
      `priority token ${id} ok`,
      `priority token ${id} invalid_argument`,
      `cancel token ${id} ok`,
      `undrain token ${worker.id} ok`,
      `readmit token ${worker.id} conflict`,
      'submit token  invalid_argument',
      'submit nobody  refused_token',
      'send file token Data/uploads/t.csv ok',
      'send file token t.csv conflict',
      'erase file token t.csv ok',
    ],
  );
  const driven = new Set(written.map(({ action }) => action));
  const action = (/** @type {string} */ route, /** @type {string} */ method) => {
    const isDeleted = method === 'delete';
    if (route.startsWith('/api/v1/files')) return isDeleted ? 'erase file' : 'send file';
    return isDeleted ? 'cancel' : (route.match(/\}\/(\w+)$/)?.[1] ?? 'submit');
  };
  const offered = Object.entries(spec.paths).flatMap(([route, methods]) =>
    Object.keys(methods)
      .filter((method) => method !== 'get')
      .map((method) => action(route, method)),
  );
  assert.deepEqual(
    [...driven].sort(),
    [...new Set(offered)].sort(),
    'each route that changes something',
  );
});

test('the audit log says who joined and who was refused, and that the master started', () => {
  const written = audited();
  assert.deepEqual([written[0].action, written[0].who], ['start', 'local']);
  const joined = written.find(({ action }) => action === 'worker joined');
  assert.deepEqual([joined.who, joined.address, joined.outcome], ['token', '127.0.0.1', 'ok']);
  const refused = written.filter(({ action }) => action === 'worker refused');
  assert.deepEqual([refused[0].who, refused[0].outcome], ['nobody', 'refused_token']);
  assert.ok(refused.length <= 61);
  assert.equal(statSync(cluster.file('state/audit.log')).mode & 0o777, 0o600);
  assert.doesNotMatch(cluster.read('state/audit.log'), new RegExp(token));
});

test('SIGHUP: limits, token and log level change at once, the rest is named', async () => {
  const other = 'another-long-secret';
  const said = await reload({
    security: { join_token: other },
    limits: { jobs: 1 },
    dashboard: { host: '127.0.0.1', port: '5051' },
    log: { level: 'debug' },
  });
  assert.match(said, /in force now: security\.join_token, limits\.jobs, log\.level/);
  await cluster.master.until(/need a restart of the master: dashboard\.port/);

  const late = await RawWorker.connect(cluster.origin);
  late.hello({ token });
  assert.equal((await late.next('goodbye')).code, 'refused_token');
  (await RawWorker.join(cluster.origin, { token: other })).close();
  const submit = (/** @type {string} */ given) =>
    cluster.ask('/api/v1/jobs', {
      method: 'POST',
      headers: bearer(given),
      body: { type: 'monte_carlo_pi', params: { samples: 2 ** 40 } },
    });
  assert.equal((await submit(token)).status, 401);
  const first = await submit(other);
  assert.equal(first.status, 201, first.text);
  assert.equal((await submit(other)).status, 429, 'limits.jobs is 1 now');
  await cluster.master.until(/ debug job \d+ round 0/);
  const one = `/api/v1/jobs/${first.json.id}`;
  const cancelled = await cluster.ask(one, { method: 'DELETE', headers: bearer(other) });
  assert.equal(cancelled.status, 200, 'who was connected still works for the master');
  const { action, outcome, detail } = audited().find((entry) => /reload/.test(entry.action));
  assert.deepEqual([action, outcome], ['config reload', 'ok']);
  assert.match(detail, /limits\.jobs/);

  for (const bad of ['{', '{"limits": {"jobs": 0}}', '{"no": 1}']) {
    const refused = await reload(bad);
    assert.match(refused, /error the configuration stays as it was: config\.json/);
  }
  assert.equal((await submit(token)).status, 401, 'a bad file changes nothing');
  assert.equal(audited().filter((entry) => entry.outcome === 'invalid_argument').length > 0, true);
  await reload({ security: { join_token: token } });
  assert.equal((await submit(other)).status, 401);
});

test('both programs write to a file that turns, for its owner alone', async () => {
  const own = await Cluster.start({
    args: [
      ...['--mode', 'serve', '--log-file', 'master.log'],
      ...['--log-file-bytes', '1024', '--log-files', '3'],
    ],
  });
  try {
    await own.startWorker({ args: ['--log-file', 'worker.log'], joins: false });
    for (let i = 0; i < 30; ++i) await own.run('noop', { task_count: 2 });
    const logs = readdirSync(own.folder).filter((name) => /^master(\.\d)?\.log$/.test(name));
    assert.deepEqual(logs.sort(), ['master.1.log', 'master.2.log', 'master.log']);
    for (const name of [...logs, 'worker.log']) {
      const { mode, size } = statSync(own.file(name));
      assert.equal(mode & 0o777, 0o600, name);
      assert.ok(name === 'worker.log' || size <= 1024, `${name} has ${size} bytes`);
      for (const line of own.read(name).trim().split('\n')) assert.match(line, dated);
    }
    assert.equal(own.master.stderr, '');
    assert.match(own.read('worker.log'), /joined the master/);
  } finally {
    await own.close();
  }
});

test('a log file that cannot be written is named, and nothing starts', async () => {
  const program = path.join(binaryFolder, 'bin/netcompute-master');
  const args = ['--mode', 'serve', '--config', 'train.json', '--log-file', 'no/such/folder/x.log'];
  const { code, stderr } = await runProgram(program, args, { cwd: cluster.folder });
  assert.equal(code, 1);
  assert.match(stderr, /log file no\/such\/folder\/x\.log: No such file/);
});

// SIGHUP has two senders: who asks for the config to be read, and a terminal that is closed.
test('a master whose terminal is closed stops in order', async () => {
  writeJson(cluster.folder, 'terminal.json', freePorts());
  const master = path.join(binaryFolder, 'bin/netcompute-master');
  const command = `${master} --config terminal.json --state-dir state-terminal --mode serve`;
  const terminal = new Program('script', ['-qefc', command, 'typescript'], { cwd: cluster.folder });
  await terminal.until(/^add a PC/);
  terminal.kill('SIGKILL');
  await terminal.ended;
  const log = 'state-terminal/audit.log';
  await cluster.until('it has stopped', () =>
    audited(log).some(({ action }) => action === 'stop'),
  );
});

test('systemd takes the units that are shipped', async (t) => {
  const verify = '/usr/bin/systemd-analyze';
  if (!existsSync(verify)) return t.skip('systemd-analyze is not installed');
  const folder = path.join(repository, 'packaging/systemd');
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    if (!name.endsWith('.service')) continue;
    // The programs need not be where a package would put them.
    const unit = readFileSync(path.join(folder, name), 'utf8');
    const programs = `${binaryFolder}/bin`;
    const here = unit.replace(/^ExecStart=\S*\/(netcompute-\w+)/m, `ExecStart=${programs}/$1`);
    assert.match(here, new RegExp(`^ExecStart=${programs}/netcompute-`, 'm'));
    const file = cluster.file(path.basename(name));
    writeFileSync(file, here);
    const user = name.startsWith('user/') ? ['--user'] : [];
    const { code, stderr } = await runProgram(verify, ['verify', ...user, file], {
      env: { XDG_RUNTIME_DIR: cluster.folder, SYSTEMD_LOG_LEVEL: 'warning' },
    });
    assert.deepEqual([code, stderr], [0, ''], name);
  }
});

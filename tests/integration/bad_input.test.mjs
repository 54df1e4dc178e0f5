// Bad tables, bad configurations, bad arguments: a clear message each, and a master that lives on.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';

import {
  Cluster,
  freePorts,
  makeFolder,
  masterProgram,
  workerProgram,
  writeJson,
} from '../support/cluster.mjs';
import { runProgram } from '../support/program.mjs';

const header = 'PassengerId,Survived,Pclass,Age\n';
/** @param {string[]} rows */
const table = (...rows) => header + rows.map((row) => `${row}\n`).join('');
const goodRows = ['1,0,3,22', '2,1,1,38', '3,1,2,26'];

/** @type {Cluster} */
let cluster;

before(async () => {
  cluster = await Cluster.start();
  await cluster.startWorker();
});
after(() => cluster?.close());

/** Submits a job that must be refused or fail; answers with what was said.
 * @param {string} type @param {object} params */
async function failureOf(type, params) {
  const answer = await cluster.ask('/api/v1/jobs', { method: 'POST', body: { type, params } });
  if (answer.status !== 201) return { status: answer.status, message: answer.json.error.message };
  const job = await cluster.whenOver(answer.json.id);
  assert.equal(job.state, 'Failed', JSON.stringify(job.result));
  const result = await cluster.ask(`/api/v1/jobs/${answer.json.id}/result`);
  assert.equal(result.status, 409);
  assert.ok(result.json.error.message.includes(job.error.message));
  return { status: 201, message: job.error.message };
}

/** @type {[string, string | Buffer, RegExp, object?][]} */
const badTrainingTables = [
  ['an empty file', '', /bad\.csv: .*empty/],
  ['a header and nothing else', header, /bad\.csv: .*no (data )?rows?/],
  ['a row with too few fields', table('1,0,3,22', '2,1,1'), /bad\.csv.*line 3.*3.*4/],
  ['a row with too many fields', table('1,0,3,22', '2,1,1,38,9'), /bad\.csv.*line 3.*5.*4/],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from(table('1,0,3,22', '2,1,äöü,3')), Buffer.from([0xff, 0x0a])]),
    /bad\.csv.*UTF-8/,
  ],
  ['a quote that never closes', table('1,0,3,"22', '2,1,1,38'), /bad\.csv.*quot/],
  [
    'a column named twice',
    'PassengerId,Survived,Age,Age\n1,0,3,22\n',
    /bad\.csv.*two columns are named "Age"/,
  ],
  ['one class only', table('1,0,3,22', '2,0,1,38'), /bad\.csv.*Survived.*(one|1|only)/],
  [
    'a continuous target',
    table('1,0.5,3,22', '2,1,1,38', '3,2,1,38'),
    /bad\.csv.*Survived.*tells classes apart.*"ridge"/,
  ],
  ['a target that is missing', table('1,0,3,22', '2,,1,38'), /bad\.csv.*row 2.*Survived.*no value/],
  ['a number that is not finite', table('1,0,3,22', '2,1,1,inf'), /bad\.csv.*Age.*inf/],
  ['NaN as a target', table('1,0,3,22', '2,nan,1,38'), /bad\.csv.*"nan" counts as missing/],
  ['features that are all missing', table('1,0,NA,', '2,1,,'), /bad\.csv.*no column is left/],
  [
    'no feature at all',
    'PassengerId,Survived\n1,0\n2,1\n',
    /bad\.csv.*no columns besides the id and the target/,
  ],
  [
    'no target column',
    'PassengerId,Age\n1,22\n',
    /bad\.csv.*no column "Survived".*"PassengerId", "Age"/,
  ],
  [
    'no id column',
    'Survived,Age\n1,22\n',
    /bad\.csv.*no column "PassengerId".*"Survived", "Age"/,
    { id: 'PassengerId' },
  ],
  [
    'a target that is named but not there',
    table(...goodRows),
    /bad\.csv.*Fate/,
    { target: 'Fate' },
  ],
  ['an id that is named but not there', table(...goodRows), /bad\.csv.*Ticket/, { id: 'Ticket' }],
];

for (const [what, content, says, params] of badTrainingTables) {
  test(`a training table with ${what} fails its job with a message that says so`, async () => {
    writeFileSync(cluster.file('Data/bad.csv'), content);
    const { message } = await failureOf('train', { data: 'Data/bad.csv', ...params });
    assert.match(message, says);
    assert.throws(() => cluster.read('Data/model.json'), 'no model may be written');
  });
}

test('jobs with files that are missing or lie elsewhere are refused at once', async () => {
  symlinkSync('/etc', cluster.file('Data/elsewhere'));
  for (const [data, status, says] of /** @type {[string, number, RegExp][]} */ ([
    ['Data/nowhere.csv', 404, /params\.data: Data\/nowhere\.csv: there is no such file/],
    ['../../../../etc/passwd', 403, /lies outside Data/],
    ['Data/../../outside.csv', 403, /lies outside Data/],
    ['/etc/passwd', 403, /lies outside Data/],
    ['Data/elsewhere/passwd', 403, /link.* leads out of Data/],
    ['Data/train.csv\0.png', 400, /control character/],
  ])) {
    const failure = await failureOf('train', { data });
    assert.equal(failure.status, status, failure.message);
    assert.match(failure.message, says);
  }
  for (const params of [{ model: '../model.json' }, { output: '/tmp/submission.csv' }]) {
    assert.equal((await failureOf('train', params)).status, 403);
  }
});

test('a folder where a table should be fails with its name', async () => {
  mkdirSync(cluster.file('Data/folder.csv'));
  const { message } = await failureOf('train', { data: 'Data/folder.csv' });
  assert.match(message, /folder\.csv/);
});

test('prediction without a model is refused, and says to train first', async () => {
  const { status, message } = await failureOf('predict', {});
  assert.equal(status, 404);
  assert.match(message, /model\.json: there is no model yet; train first/);
});

test('a table that does not fit the model fails, naming its columns', async () => {
  await cluster.run('train', { model: 'Data/titanic.json' });
  /** @type {[string, string, RegExp][]} */
  const cases = [
    [
      'a column unknown',
      'PassengerId,Pclass,Sex,Age,SibSp,Parch,Cabin\n1,3,male,2,0,0,A1\n',
      /Cabin/,
    ],
    ['columns lacking', 'PassengerId,Pclass,Sex,SibSp\n1,3,male,0\n', /Age.*Parch|Parch.*Age/],
    ['no id', 'Pclass,Sex,Age,SibSp,Parch\n3,male,2,0,0\n', /PassengerId/],
    ['text for a number', 'PassengerId,Pclass,Sex,Age,SibSp,Parch\n1,3,male,old,0,0\n', /Age.*old/],
    ['infinity', 'PassengerId,Pclass,Sex,Age,SibSp,Parch\n1,3,male,inf,0,0\n', /Age.*inf/],
    ['a header only', 'PassengerId,Pclass,Sex,Age,SibSp,Parch\n', /row/],
  ];
  for (const [what, content, says] of cases) {
    writeFileSync(cluster.file('Data/bad.csv'), content);
    const params = { data: 'Data/bad.csv', model: 'Data/titanic.json' };
    const { message } = await failureOf('predict', params);
    assert.match(message, says, what);
    assert.throws(() => cluster.read('Data/submission_test.csv'), 'nothing may be written');
  }
});

test('a model that was tampered with is refused', async () => {
  const model = cluster.read('Data/titanic.json');
  for (const [what, text, says] of /** @type {[string, string, RegExp][]} */ ([
    ['cut', model.slice(0, model.length / 2), /titanic\.json.*not JSON/],
    ['empty', '{}', /titanic\.json/],
    [
      'changed',
      model.replace(/("weights": \[\s*)-?[0-9.]+/, '$10.5'),
      /titanic\.json.*model_sha256/,
    ],
  ])) {
    assert.notEqual(text, model, what);
    writeFileSync(cluster.file('Data/titanic.json'), text);
    assert.match((await failureOf('predict', { model: 'Data/titanic.json' })).message, says, what);
  }
});

test('output that cannot be written is refused before anything is computed', async () => {
  writeFileSync(cluster.file('Data/a_file'), '');
  const { message } = await failureOf('train', { output: 'Data/a_file/submission.csv' });
  assert.match(message, /a_file/);
  const { message: missing } = await failureOf('train', {
    model: 'Data/no/such/folder/model.json',
  });
  assert.match(missing, /no\/such\/folder/);
});

test('after all of this the same master trains as ever', async () => {
  const result = await cluster.run('train', {});
  assert.equal(result.metrics.accuracy.toFixed(4), '0.7778');
});

// ---- The command line ---------------------------------------------------------------------------

/**
 * Runs a master that must not get far.
 * @param {string[]} args @param {(folder: string) => void} [prepare]
 */
async function runMaster(args, prepare = () => {}) {
  const folder = makeFolder();
  try {
    writeJson(folder, 'config.json', freePorts());
    prepare(folder);
    return await runProgram(masterProgram, args, { cwd: folder });
  } finally {
    chmodSync(folder, 0o755);
    rmSync(folder, { recursive: true });
  }
}

/** @type {[string, unknown, RegExp][]} */
const badConfigs = [
  [
    'an unknown section',
    { masters: {} },
    /bad\.json: masters: unknown key \(known here: master, dashboard/,
  ],
  ['an unknown key', { dashboard: { prot: 80 } }, /bad\.json: dashboard\.prot: unknown key/],
  [
    'a port in words',
    { dashboard: { port: '80a' } },
    /bad\.json: dashboard\.port: "80a" is not a port \(0\.\.65535\)/,
  ],
  [
    'a port too large',
    { master: { task_port: 65536 } },
    /bad\.json: master\.task_port: 65536 is not a port/,
  ],
  [
    'a host with a space',
    { master: { ip: 'a b' } },
    /bad\.json: master\.ip: "a b" is not a host name/,
  ],
  [
    'a short token',
    { security: { join_token: 'short' } },
    /bad\.json: security\.join_token: has 5 characters/,
  ],
  [
    'the same port twice',
    { master: { task_port: 7001, result_port: '7001' } },
    /bad\.json: master\.result_port: 7001 is also/,
  ],
  ['a list for an object', [], /bad\.json/],
];

for (const [what, config, says] of badConfigs) {
  test(`a configuration with ${what} stops both programs with exit status 1`, async () => {
    const prepare = (/** @type {string} */ folder) => writeJson(folder, 'bad.json', config);
    const master = await runMaster(['--config', 'bad.json', '--mode', 'serve'], prepare);
    assert.equal(master.code, 1);
    assert.match(master.stderr, says);
    writeJson(cluster.folder, 'bad.json', config);
    const worker = await runProgram(workerProgram, ['--config', 'bad.json'], {
      cwd: cluster.folder,
    });
    assert.equal(worker.code, 1);
    assert.match(worker.stdout + worker.stderr, says);
  });
}

test('a configuration that is not JSON or not there is an error that names the file', async () => {
  const broken = await runMaster(['--config', 'bad.json'], (folder) =>
    writeFileSync(`${folder}/bad.json`, '{"master": '),
  );
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /bad\.json: line 1, column \d+: not JSON/);
  const absent = await runMaster(['--config', 'absent.json']);
  assert.equal(absent.code, 1);
  assert.match(absent.stderr, /absent\.json/);
});

test('an unknown flag or a bad value of one stops both programs, naming it', async () => {
  for (const [program, args, says] of /** @type {[string, string[], RegExp][]} */ ([
    [masterProgram, ['--frobnicate'], /--frobnicate/],
    [masterProgram, ['--mode', 'guess'], /--mode.*guess/],
    [masterProgram, ['--local-slots', '-1'], /--local-slots/],
    [masterProgram, ['--local-slots', '99999'], /--local-slots/],
    [workerProgram, ['--frobnicate'], /--frobnicate/],
    [workerProgram, ['--slots', '0'], /--slots/],
    [workerProgram, ['--slots', 'many'], /--slots/],
  ])) {
    const { code, stdout, stderr } = await runProgram(program, args);
    assert.notEqual(code, 0, args.join(' '));
    assert.match(stdout + stderr, says);
  }
});

test('a port in use stops the master, which says by whom', async () => {
  const holder = createServer();
  await new Promise((resolve) => holder.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (holder.address());
  for (const [key, config] of /** @type {[string, any][]} */ ([
    ['dashboard.port', freePorts({ dashboard: { host: '127.0.0.1', port } })],
    ['master.task_port', { ...freePorts(), master: { ...freePorts().master, task_port: port } }],
    [
      'master.heartbeat_port',
      { ...freePorts(), master: { ...freePorts().master, heartbeat_port: port } },
    ],
  ])) {
    const { code, stderr } = await runMaster(
      ['--config', 'taken.json', '--mode', 'serve'],
      (folder) => writeJson(folder, 'taken.json', config),
    );
    assert.equal(code, 1);
    const owner = new RegExp(`in use by \\S+, process ${process.pid}\\)`);
    assert.match(stderr, owner);
    assert.match(stderr, new RegExp(`127\\.0\\.0\\.1:${port} \\(${key}\\)`));
  }
  holder.close();
});

test('a second master on the same state folder is refused, naming the first', async () => {
  const { code, stderr } = await runProgram(
    masterProgram,
    ['--config', 'second.json', '--mode', 'serve'],
    (writeJson(cluster.folder, 'second.json', freePorts()), { cwd: cluster.folder }),
  );
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(`another master \\(process ${cluster.master.pid}\\) uses this state`),
  );
});

test('bad tables on the command line end with exit status 1 and the same messages', async () => {
  for (const [args, content, says] of /** @type {[string[], string, RegExp][]} */ ([
    [['--mode', 'train', '--train-data', 'absent.csv'], '', /absent\.csv.*there is no such file/],
    [
      ['--mode', 'train', '--train-data', 'bad.csv'],
      table('1,0,3,22', '2,0,1,38'),
      /bad\.csv.*Survived/,
    ],
    [['--mode', 'train', '--train-data', 'bad.csv'], header, /bad\.csv.*row/],
  ])) {
    const { code, stderr } = await runMaster(['--once', ...args], (folder) =>
      writeFileSync(`${folder}/bad.csv`, content),
    );
    assert.equal(code, 1, stderr);
    assert.match(stderr, says);
  }
});

test('a Data folder that cannot be written to stops the training before it begins', async () => {
  const { code, stderr } = await runMaster(
    ['--mode', 'train', '--once', '--train-data', 'elsewhere.csv'],
    (folder) => {
      writeFileSync(`${folder}/elsewhere.csv`, table(...goodRows));
      rmSync(`${folder}/Data`, { recursive: true });
      writeFileSync(`${folder}/Data`, 'a file where the folder should be');
    },
  );
  assert.equal(code, 1);
  assert.match(stderr, /Data/);
});

test('a state folder that cannot be made stops the master', async () => {
  const { code, stderr } = await runMaster(
    ['--mode', 'serve', '--state-dir', 'a_file/state'],
    (folder) => writeFileSync(`${folder}/a_file`, ''),
  );
  assert.equal(code, 1);
  assert.match(stderr, /a_file\/state: cannot make this state folder.*--state-dir/);
});

/** The commands in README.md, CONTRIBUTING.md and docs/ work, and do what the documents say. */

import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { makeClone } from '../support/clone.mjs';
import { ask, binaryFolder, Cluster, makeFolder } from '../support/cluster.mjs';
import { repository, workerProgram, writeJson } from '../support/cluster.mjs';
import { asPattern, GuideDocument, sameForAll } from '../support/documents.mjs';
import { Program, runProgram } from '../support/program.mjs';

const readme = new GuideDocument('README.md');
const contributing = new GuideDocument('CONTRIBUTING.md');
const guides = readdirSync(path.join(repository, 'docs'), { recursive: true })
  .map((name) => `docs/${name}`)
  .filter((name) => name.endsWith('.md'))
  .map((name) => new GuideDocument(name));
const documents = [readme, contributing, ...guides];

/** @param {string} name */
function guideNamed(name) {
  const guide = guides.find((one) => one.name === name);
  assert.ok(guide, `there is no ${name}`);
  return guide;
}
const operation = guideNamed('docs/operation.md');
const receipts = guideNamed('docs/receipt.md');

/** Commands that no test here runs, and why not. Those of the system are not looked at further. */
const ofTheSystem = new Map([
  ['sudo useradd --system --home-dir /var/lib/netcompute netcompute', 'adds a user to the system'],
  [
    'sudo systemctl daemon-reload && sudo systemctl enable --now netcompute-master',
    "changes the system's services; the unit's own command is run below",
  ],
]);
const notRun = new Map([
  ['./test.sh', 'runs this test'],
  ['./test.sh -L browser', 'runs tests, as this is one; the label is looked at below'],
  ['scripts/format.sh', 'rewrites the sources; tests/tidy asks whether it was run'],
  ['scripts/tidy.sh', 'takes minutes, and clang-tidy, which ./test.sh does not install'],
  ['scripts/sanitizers.sh', 'builds all of it twice more; .ci/run does'],
  ['scripts/sanitizers.sh tsan -R sim', 'likewise'],
  ['scripts/fuzz.sh', 'builds and fuzzes for minutes; .ci/run does'],
  ['scripts/fuzz.sh 600 http_routes', 'likewise; the names of targets are looked at below'],
  ['scripts/fuzz.sh --keep', 'changes the kept inputs'],
  ['scripts/fuzz.sh --add NAME FILE', 'changes the kept inputs'],
]);

/** @type {Set<string>} */
const isRun = new Set();

/** The commands of a document that begin so, which the caller runs.
 * @param {GuideDocument} document @param {string} beginning */
function stepsWith(document, beginning) {
  const steps = document.steps.filter(({ command }) => command.startsWith(beginning));
  assert.ok(steps.length > 0, `${document.name} has no command that begins with ${beginning}`);
  for (const { command } of steps) isRun.add(command);
  return steps;
}

/** The one command that is exactly this.
 * @param {GuideDocument} document @param {string} command */
function stepOf(document, command) {
  const step = stepsWith(document, command).find((one) => one.command === command);
  assert.ok(step, `${document.name} has no command ${command}`);
  return step;
}

/** As a shell does it, with the programs of this build.
 * @param {string} command @param {string} cwd */
async function shell(command, cwd) {
  const searched = `${path.join(binaryFolder, 'bin')}:${process.env.PATH}`;
  return runProgram('bash', ['-c', command], { cwd, env: { PATH: searched } });
}

/** Its output; the test fails where the command does.
 * @param {string} command @param {string} cwd */
async function succeed(command, cwd) {
  const { code, stdout, stderr } = await shell(command, cwd);
  assert.equal(code, 0, `${command}\n${stdout}${stderr}`);
  return stdout;
}

/** @param {string} said @param {string} shown */
function assertAsShown(said, shown) {
  assert.match(sameForAll(said), asPattern(shown));
}

/** @param {string} file */
const lineCount = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').length;

/** Customers, those of a basic plan and of few months more likely to have left.
 * @param {string} file @param {number} first @param {number} count
 * @param {boolean} isKnown whether they have left is in the table */
function writeCustomers(file, first, count, isKnown) {
  let state = first;
  const below = (/** @type {number} */ bound) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor(state / 2 ** 16) % bound;
  };
  const rows = Array.from({ length: count }, (_, i) => {
    const plan = ['basic', 'plus', 'pro'][below(3)];
    const months = 1 + below(60);
    const left = months + below(40) < (plan === 'basic' ? 40 : 30);
    const known = `c${first + i},${plan},${months}`;
    return isKnown ? `${known},${left ? 'yes' : 'no'}\n` : `${known}\n`;
  });
  writeFileSync(file, `customer,plan,months${isKnown ? ',left' : ''}\n${rows.join('')}`);
}

/** @param {string} folder */
function addCustomers(folder) {
  writeCustomers(path.join(folder, 'Data/churn.csv'), 1, 1000, true);
  writeCustomers(path.join(folder, 'Data/churn_new.csv'), 1001, 200, false);
}

/** @type {string} */
let clone;
before(() => {
  clone = makeClone();
  addCustomers(clone);
});
after(() => rmSync(clone, { recursive: true, force: true }));

const tryIt = stepOf(readme, './run.sh').command;
const verifying = stepsWith(readme, 'netcompute-master verify ')[0];
test('./run.sh prints what README shows, and its receipt is verified as README shows', async () => {
  const shown = readme.blocks.find(({ text }) => text.startsWith('dashboard '));
  assert.ok(shown);
  assertAsShown(await succeed(tryIt, clone), shown.text);

  const master = new Program(
    path.join(binaryFolder, 'bin/netcompute-master'),
    ['--mode', 'serve'],
    {
      cwd: clone,
    },
  );
  const [, origin] = await master.until(/^dashboard +(http:\S+?)\/$/);
  writeFileSync(
    path.join(clone, 'job-1-receipt.json'),
    (await ask(origin, '/api/v1/jobs/1/receipt')).text,
  );
  master.kill('SIGTERM');
  await master.ended;
  assertAsShown(await succeed(verifying.command, clone), verifying.output);
});

const ownData = stepsWith(readme, './run.sh --train-data')[0].command;
test("./run.sh learns from one's own table and predicts another", async () => {
  await succeed(ownData, clone);
  assert.equal(lineCount(path.join(clone, 'Data/submission_train.csv')), 1001);
  assert.equal(lineCount(path.join(clone, 'Data/submission_test.csv')), 201);
});

const looked = stepsWith(readme, './run.sh --mode profile')[0].command;
const exported = stepsWith(guideNamed('docs/model.md'), './run.sh --mode export')[0].command;
const judged = stepsWith(readme, './run.sh --mode evaluate')[0].command;
test('the command line looks at a table, judges learning and exports a model', async () => {
  assert.match(await succeed(looked, clone), /^1000 rows\n +customer +text .* 1000 distinct/m);
  assert.match(await succeed(judged, clone), /accuracy/);
  assert.match(await succeed(exported, clone), /^wrote Data\/model\.onnx$/m);
});

const copied = stepsWith(readme, './netcompute-worker')[0].command;
test('the office gets in with the config.json that README shows, and nobody else', async () => {
  const block = readme.blocks.find(({ language }) => language === 'json');
  const given = JSON.parse(block?.text ?? '');
  for (const section of [given.master, given.dashboard]) {
    for (const [key, value] of Object.entries(section)) {
      if (value === '0.0.0.0') section[key] = '127.0.0.1';
      if (key.endsWith('port')) section[key] = '0';
    }
  }
  const cluster = await Cluster.start({ config: given });
  const folder = makeFolder();
  try {
    writeJson(folder, 'config.json', { ...cluster.endpoints, security: given.security });
    copyFileSync(workerProgram, path.join(folder, 'netcompute-worker'));
    const [file, ...args] = copied.replace(/\d+\.\d+\.\d+\.\d+/, '127.0.0.1').split(' ');
    const worker = new Program(path.join(folder, file), args, {
      cwd: folder,
      env: { XDG_STATE_HOME: path.join(folder, 'state') },
    });
    cluster.workers.push(worker);
    await worker.until(/joined the master/);

    const asking = { method: 'POST', body: { type: 'noop' } };
    assert.equal((await cluster.ask('/api/v1/jobs', asking)).status, 401);
    const header = readme.inlineCode().find((code) => code.startsWith('Authorization: '));
    const [name, value] = (header ?? '').replace('TOKEN', given.security.join_token).split(': ');
    const answer = await cluster.ask('/api/v1/jobs', { ...asking, headers: { [name]: value } });
    assert.equal(answer.status, 201, answer.text);

    worker.say('q\n');
    assert.equal((await worker.ended).code, 0, worker.tail());
  } finally {
    await cluster.close();
    rmSync(folder, { recursive: true });
  }
});

const session = stepsWith(readme, 'curl ');
test('the session of README goes as it shows, and so do the calls that it names', async () => {
  const cluster = await Cluster.start({ prepare: addCustomers });
  try {
    await cluster.startWorker();
    const here = (/** @type {string} */ command) =>
      command.replace('http://127.0.0.1:5051', cluster.origin);
    for (const { command, output } of session) {
      const said = await succeed(here(command), cluster.folder);
      assertAsShown(said.trimEnd(), output.replaceAll('\n', ''));
    }
    assert.equal(lineCount(cluster.file('Data/submission_test.csv')), 201);

    await cluster.submit('monte_carlo_pi', { samples: 10 ** 12 });
    const [{ id: worker }] = await cluster.workerDocuments();
    const head = readme.inlineCode().find((code) => /^curl -X POST \S+\/…$/.test(code)) ?? '';
    const withStatus = head.replace('curl', "curl -s -w '\\n%{http_code}'");
    for (const [, cell] of readme.table('to', 'call')) {
      const codes = [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
      const body = codes.find((code) => code.startsWith('{'));
      for (const call of codes.filter((code) => code !== body)) {
        const target = call.replace('workers/ID', `workers/${worker}`).replace('ID', '3');
        const command = here(withStatus.replace('…', target)) + (body ? ` -d '${body}'` : '');
        const said = await succeed(command, cluster.folder);
        if (call.endsWith('/readmit')) assert.match(said, /quarantine(.|\n)*\n4\d\d$/);
        else assert.match(said, /\n200$/, command);
      }
    }
    const routes = readme.inlineCode().filter((code) => /^GET \/\S+$/.test(code));
    assert.ok(routes.length >= 5);
    for (const route of routes) {
      const target = route.replace('GET ', '').replace('ID', '1').replace('NAME', 'churn-2026.csv');
      assert.equal((await cluster.ask(target)).status, 200, route);
    }
    assert.equal((await cluster.ask('/api/v1/jobs/3', { method: 'DELETE' })).status, 200);
  } finally {
    await cluster.close();
  }
});

const listing = stepsWith(contributing, 'ctest ');
test('the tests that CONTRIBUTING asks ctest for are there, and so are its labels', async () => {
  const labels = contributing.table('label', 'what').map(([cell]) => cell.replaceAll(/[` ]/g, ''));
  const told = await succeed('ctest --test-dir build --print-labels', clone);
  assert.deepEqual(
    labels.sort(),
    [...told.matchAll(/^ {2}(\w+)$/gm)].map(([, label]) => label).sort(),
  );
  const commands = listing.map(({ command }) => command);
  for (const command of [...commands, 'ctest --test-dir build -L browser']) {
    const said = await succeed(`${command} -N`, clone);
    assert.match(said, /^Total Tests: [1-9]/m, command);
  }
});

const building = stepsWith(contributing, 'cmake ');
const filtering = stepsWith(contributing, 'build/tests/')[0].command;
test('what CONTRIBUTING builds can be built, and one test can be run alone', async () => {
  const commands = [...building.map(({ command }) => command)];
  commands.push(...contributing.inlineCode().filter((code) => code.startsWith('cmake --build ')));
  assert.ok(commands.length >= 2);
  for (const command of commands) await succeed(`${command} -- -n`, clone); // It only says what.
  assert.match(await succeed(filtering, clone), /\[ {2}PASSED {2}\] [1-9]/);
});

const installing = stepsWith(operation, 'sudo install ');
const copying = stepsWith(operation, 'sudo cp ');
const backing = stepsWith(operation, 'netcompute-master backup ')[0];
test('a master that is installed as docs/operation.md says serves, and is backed up', async () => {
  const root = makeFolder();
  /** In a folder of this test in place of the system's, without the rights of root. */
  const here = (/** @type {string} */ command) =>
    command
      .replace(/^sudo /, '')
      .replace(/ -[og] netcompute\b/g, '')
      .replace(/ (?=\/(?:opt|etc|var|backups)\/)/g, ` ${root}`);
  mkdirSync(path.join(root, 'etc/systemd/system'), { recursive: true });
  mkdirSync(path.join(root, 'backups'));
  try {
    copyFileSync(path.join(clone, 'config.json'), path.join(root, 'config.json'));
    const source = (/** @type {string} */ command) =>
      command
        .replace(/ build\//, ` ${binaryFolder}/`)
        .replace(/ packaging\//, ` ${repository}/packaging/`);
    for (const { command } of operation.steps) {
      if (![...installing, ...copying].some((step) => step.command === command)) continue;
      await succeed(here(source(command)), root);
    }
    const unit = readFileSync(
      path.join(root, 'etc/systemd/system/netcompute-master.service'),
      'utf8',
    );
    const [, started] = /^ExecStart=(.*)$/m.exec(unit) ?? [];
    const [, folder] = /^WorkingDirectory=(.*)$/m.exec(unit) ?? [];
    assert.ok(existsSync(path.join(root, folder, 'Data')));
    const [file, ...args] = here(` ${started}`).trim().split(' ');
    const master = new Program(file, args, { cwd: path.join(root, folder) });
    const [, origin] = await master.until(/^dashboard +(http:\S+?)\/$/);
    assert.equal((await ask(origin, '/')).status, 200);
    await succeed(here(backing.command), root);
    assert.equal(readdirSync(path.join(root, 'backups')).length, 1);
    master.kill('SIGTERM');
    await master.ended;
  } finally {
    rmSync(root, { recursive: true });
  }
});

const fetching = stepsWith(receipts, 'curl ')[0];
const checking = stepsWith(receipts, 'netcompute-master verify ')[0];
const hashing = stepsWith(receipts, 'head ')[0];
test('a receipt is fetched, verified and hashed as docs/receipt.md shows', async () => {
  const cluster = await Cluster.start();
  try {
    await cluster.startWorker();
    await cluster.resultOf(await cluster.submit('train'));
    await succeed(
      fetching.command.replace('http://127.0.0.1:5051', cluster.origin),
      cluster.folder,
    );
    const shown = receipts.blocks.find(({ text }) => text.startsWith('receipt '));
    assertAsShown(await succeed(checking.command, cluster.folder), shown?.text ?? '');
    const [sha256] = (await succeed(hashing.command, cluster.folder)).split(' ');
    assert.equal(JSON.parse(cluster.read('job-1-receipt.json')).root_sha256, sha256);
  } finally {
    await cluster.close();
  }
});

test('each preset that CONTRIBUTING lists is there, with its folder', () => {
  const { configurePresets } = JSON.parse(
    readFileSync(path.join(repository, 'CMakePresets.json'), 'utf8'),
  );
  const known = new Map(
    configurePresets.map((/** @type {any} */ { name, binaryDir }) => [name, binaryDir]),
  );
  for (const cells of contributing.table('preset', 'folder', 'what')) {
    const [name, folder] = cells.map((cell) => cell.replaceAll(/[` ]/g, ''));
    assert.equal(known.get(name), `\${sourceDir}/${folder}`, name);
  }
});

test('every option that the documents name is one of the program', async () => {
  const help = new Map();
  for (const [name, command] of [
    ['run.sh', './run.sh --help; netcompute-master --help'],
    ['test.sh', 'ctest --help'],
    [
      'netcompute-master',
      'netcompute-master --help; netcompute-master verify --help; netcompute-master backup --help',
    ],
    ['netcompute-worker', 'netcompute-worker --help'],
  ]) {
    help.set(name, await succeed(command, clone));
  }
  const all = [...help.values()].join('\n');
  let count = 0;
  for (const document of documents) {
    const typed = [...document.inlineCode(), ...document.steps.map(({ command }) => command)];
    for (const code of typed) {
      const [first] = code.split(' ');
      const program = first.startsWith('--') ? '' : path.basename(first);
      if (program !== '' && !help.has(program)) continue;
      for (const [, option] of code.matchAll(/(?:^|[ [])(--[\w-]+)/g)) {
        assert.match(help.get(program) ?? all, new RegExp(`${option}\\b`), code);
        ++count;
      }
    }
  }
  assert.ok(count > 10, `${count} options`);
});

test('what no test runs is there at least, and knows the targets that are named', async () => {
  for (const command of [...notRun.keys(), '.ci/run']) {
    const file = path.join(repository, command.split(' ')[0]);
    assert.ok(statSync(file).mode & 0o100, `${file} is a program`);
    await succeed(`bash -n ${file}`, clone);
  }
  const targets = /^targets=\((.*)\)$/m.exec(
    readFileSync(path.join(repository, 'scripts/fuzz.sh'), 'utf8'),
  );
  const named = contributing.steps.flatMap(
    ({ command }) => /^scripts\/fuzz\.sh \d+ (\w+)$/.exec(command)?.[1] ?? [],
  );
  assert.deepEqual(
    named.filter((name) => !targets?.[1].split(' ').includes(name)),
    [],
  );
});

test('every command of the documents is run here, or it is said why not', () => {
  const commands = documents.flatMap(({ steps }) => steps.map((one) => one.command));
  const reasons = new Map([...notRun, ...ofTheSystem]);
  assert.deepEqual(
    commands.filter((command) => !isRun.has(command) && !reasons.has(command)),
    [],
    'run these in a test, or name them in notRun',
  );
  assert.deepEqual(
    [...reasons.keys()].filter((command) => !commands.includes(command)),
    [],
    'these are in no document any more',
  );
});

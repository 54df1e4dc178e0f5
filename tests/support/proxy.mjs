/** The reverse proxies that docs/proxy shows, as it shows them, in front of a test's master. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';

import { repository } from './cluster.mjs';
import { Program } from './program.mjs';

/** @typedef {'nginx' | 'caddy'} ProxyKind */

/** @returns {Promise<number>} that nothing listens on */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** A proxy's program: unpacked by test.sh, or installed.
 * @param {string} name @param {string} file */
function found(name, file) {
  const unpacked = path.join(repository, 'build/unpacked', name, file);
  return existsSync(unpacked) ? unpacked : file;
}

/** An example, with each text replaced; one that is not there fails the test.
 * @param {string} name @param {[string, string][]} changes */
function example(name, changes) {
  let text = readFileSync(path.join(repository, 'docs/proxy', name), 'utf8');
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`docs/proxy/${name} has no "${from}"`);
    text = text.replace(from, to);
  }
  return text;
}

/**
 * @param {string} folder of its own
 * @param {number} port where it listens
 * @param {string} master "127.0.0.1:5051"
 */
async function startNginx(folder, port, master) {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const own = kinds.map((kind) => `${kind}_temp_path ${kind};`).join(' ');
  const config = example('nginx.conf', [
    ['http {', `http { access_log off; ${own}`],
    ['listen 80;', `listen 127.0.0.1:${port};`],
    ['127.0.0.1:5051', master],
  ]);
  const file = path.join(folder, 'nginx.conf');
  writeFileSync(file, config);
  const globals = 'daemon off; pid nginx.pid; error_log stderr notice;';
  const program = new Program(found('nginx', '/usr/sbin/nginx'), [
    ...['-e', 'stderr', '-p', folder, '-c', file, '-g', globals],
  ]);
  await program.until(/start worker process /);
  return program;
}

/** @param {string} folder @param {number} port @param {string} master */
async function startCaddy(folder, port, master) {
  const site = example('Caddyfile', [
    ['office.example {', `http://127.0.0.1:${port} {\n\tbind 127.0.0.1`],
    ['127.0.0.1:5051', master],
  ]);
  const file = path.join(folder, 'Caddyfile');
  writeFileSync(file, `{\n\tadmin off\n}\n${site}`);
  const args = ['run', '--config', file, '--adapter', 'caddyfile'];
  const program = new Program(found('caddy', '/usr/bin/caddy'), args, {
    env: { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder },
  });
  await program.until(/serving initial configuration/);
  return program;
}

/**
 * Answers once it listens; the caller ends it.
 * @param {ProxyKind} kind
 * @param {{folder: string, port: number, master: string}} where
 */
export function startProxy(kind, { folder, port, master }) {
  const own = path.join(folder, `${kind}-${port}`);
  mkdirSync(own);
  return (kind === 'nginx' ? startNginx : startCaddy)(own, port, master);
}

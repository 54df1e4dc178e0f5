/** Folders that are a clone of this repository, as far as run.sh and its user can tell. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { binaryFolder, freePorts, repository, writeJson } from './cluster.mjs';

const files = ['run.sh', 'scripts', 'Data/train.csv', 'Data/test.csv', 'Data/test_labels.csv'];

/** Over the programs of this build; the caller removes it. @param {object} config */
export function makeClone(config = freePorts()) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'netcompute-run-')));
  for (const name of files) {
    fs.cpSync(path.join(repository, name), path.join(folder, name), { recursive: true });
  }
  fs.symlinkSync(binaryFolder, path.join(folder, 'build'));
  writeJson(folder, 'config.json', config);
  return folder;
}

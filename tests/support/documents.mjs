/** What a document tells its readers to type, and what it says will come. */

import { readFileSync } from 'node:fs';
import path from 'node:path';

import { repository } from './cluster.mjs';

/**
 * @typedef {{language: string, text: string}} Block
 * @typedef {{command: string, output: string}} Step what is typed, and what is shown below it
 */

export class GuideDocument {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.text = readFileSync(path.join(repository, name), 'utf8');
    /** @type {Block[]} */
    this.blocks = [...this.text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, text]) => ({
      language,
      text,
    }));
    this.steps = this.blocks.flatMap((block) => (block.language === 'sh' ? steps(block.text) : []));
  }

  /** What stands as code within sentences and tables. */
  inlineCode() {
    const prose = this.text.replace(/^```.*?^```$/gms, '');
    return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code);
  }

  /** The rows of the table with these titles. @param {...string} titles */
  table(...titles) {
    const head = `| ${titles.join(' | ')} |\n`;
    const begin = this.text.indexOf(head);
    if (begin < 0) throw new Error(`${this.name} has no table ${head}`);
    const lines = this.text.slice(begin).split('\n\n')[0].split('\n').slice(2);
    return lines.map((line) => line.split('|').slice(1, -1));
  }
}

/**
 * Of a session, whose commands begin with "$ ", or of a list of commands, one a line.
 * @param {string} text @returns {Step[]}
 */
function steps(text) {
  const isSession = /^\$ /m.test(text);
  /** @type {Step[]} */
  const found = [];
  let isOpen = false; // A quoted word goes on in the next line.
  for (const line of text.trimEnd().split('\n')) {
    const last = found.at(-1);
    if (isOpen && last) {
      last.command += `\n${line}`;
    } else if (line.startsWith('$ ') || (!isSession && line !== '')) {
      found.push({ command: line.replace(/^\$ /, '').replace(/\s+# .*$/, ''), output: '' });
    } else if (last) {
      last.output += `${line}\n`;
      continue;
    } else if (line !== '') {
      throw new Error(`"${line}" is shown before any command`);
    }
    isOpen = (found.at(-1)?.command.match(/'/g)?.length ?? 0) % 2 === 1;
  }
  return found;
}

/** As a pattern: "…" stands for anything, and ports and draws are those of one run.
 * @param {string} shown */
export function asPattern(shown) {
  const parts = sameForAll(shown).split('…');
  return new RegExp(
    `^${parts.map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`,
    's',
  );
}

/** Without what differs from run to run: ports, and how far a draw of tasks reaches.
 * @param {string} said */
export function sameForAll(said) {
  return said
    .replace(/(127\.0\.0\.1):\d+/g, '$1:5051')
    .replace(/\d+ (of \d+ tasks, drawn with --seed) \d+/g, 'some $1 1')
    .trimEnd();
}

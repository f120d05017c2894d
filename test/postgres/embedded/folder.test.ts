// What is believed of a folder, by what happened to it last.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DatabaseFolder } from '../../../src/postgres/embedded/folder.ts';
import { temporaryFolder } from '../../support/postgres.ts';

let directory: string;
let socketFolder: string;
beforeEach(() => {
  directory = temporaryFolder();
  socketFolder = temporaryFolder();
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The folder after a start in an earlier boot, or the present one. */
function left(state: 'making' | 'running' | 'stopped', bootId: string): DatabaseFolder {
  const folder = new DatabaseFolder(directory, bootId);
  mkdirSync(folder.data, { recursive: true });
  writeFileSync(join(folder.data, 'PG_VERSION'), '18');
  folder.syncData();
  folder.mark(state, socketFolder);
  return new DatabaseFolder(directory, 'this boot');
}

test('an empty folder is a beginning', () => {
  expect(new DatabaseFolder(directory, 'this boot').inspect()).toEqual({ found: 'nothing' });
});

test('what was closed outlives the operating system', () => {
  expect(left('stopped', 'an earlier boot').inspect()).toEqual({ found: 'database' });
});

test('what was running outlives its process', () => {
  expect(left('running', 'this boot').inspect()).toEqual({ found: 'database' });
});

test('what was running when the operating system went down may be torn', () => {
  expect(left('running', 'an earlier boot').inspect()).toEqual({ found: 'torn' });
});

test('what was never finished, or has no mark that one can read, is cleared away', () => {
  expect(left('making', 'this boot').inspect()).toEqual({ found: 'nothing' });
  const folder = left('stopped', 'this boot');
  writeFileSync(join(directory, 'state.json'), '{"state":');
  expect(folder.inspect()).toEqual({ found: 'nothing' });
  expect(readdirSync(directory)).toEqual(['state.json']);
});

test('the socket that a killed process left is cleared away', () => {
  left('running', 'this boot').inspect();
  expect(() => readdirSync(socketFolder)).toThrow('ENOENT');
});

test('of what was set aside the newest is kept', () => {
  left('running', 'an earlier boot').setAside();
  const folder = left('running', 'an earlier boot');
  writeFileSync(join(folder.data, 'newest'), '');
  folder.setAside();
  const kept = readdirSync(directory).filter((name) => name !== 'state.json');
  expect(kept).toEqual([expect.stringMatching(/^data\.set-aside-\d{4}-/)]);
  expect(readdirSync(join(directory, kept[0] ?? ''))).toContain('newest');
});

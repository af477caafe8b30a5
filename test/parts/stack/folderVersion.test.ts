import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startFaceProcess } from '../../../emulators/face/faceProcess.ts';
import { claimVersion, folderVersion } from '../../../emulators/common/folderVersion.ts';
import { startStack } from '../../../emulators/stack/stack.ts';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const file = () => join(folder.path, 'version');
/** Refused before any part of it starts. */
const starts = {
  'npm start': () =>
    startStack({ port: 0, dataDir: folder.path, faceTps: 'none', output: () => undefined, onStart: started }),
  'rollcall face': () => startFaceProcess({ port: 0, dataDir: folder.path, quota: 'none' }),
};
const started = (part: string): void => {
  throw new Error(`${part} was started`);
};
const sentence = (version: string): string =>
  `the data in ${folder.path} is of ${version}, and this Rollcall reads version ${folderVersion}:` +
  ' start on another folder with --data DIR, delete this one, or run the Rollcall that wrote it';

test('a folder without data gets the version, which the next start finds', () => {
  writeFileSync(join(folder.path, 'notes.txt'), '');
  claimVersion(folder.path, ['data']);
  expect(readFileSync(file(), 'utf8')).toBe(`${folderVersion}\n`);
  expectOwnerOnly(file());
  mkdirSync(join(folder.path, 'data'));
  claimVersion(folder.path, ['data']);
});

test.each(Object.entries(starts))('%s refuses the data of another version', async (_name, start) => {
  writeFileSync(file(), '999\n');
  await expect(start()).rejects.toThrow(sentence('version 999'));
  // A start that was refused leaves the folder to the next.
  await expect(start()).rejects.toThrow(sentence('version 999'));
  expect(readFileSync(file(), 'utf8')).toBe('999\n');
});

test.each(Object.entries(starts))('%s refuses data without a version', async (name, start) => {
  const data = name === 'npm start' ? 'storage' : 'face.sqlite';
  mkdirSync(join(folder.path, data));
  await expect(start()).rejects.toThrow(sentence('a version before 1'));
  expect(readdirSync(folder.path).toSorted()).toEqual([data, 'lock.sqlite'].toSorted());
});

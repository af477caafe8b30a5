import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Version of the format of a data folder of the embedded emulators. The version is incremented with each change that an
 * older Rollcall cannot read.
 */
export const folderVersion = 1;

/**
 * Checks the version of a data folder, and writes the version into a new folder. `data`: file names; a folder without a
 * version that has one of these files is not new.
 * @throws Error when the folder has another version; the message says what to do
 */
export function claimVersion(folder: string, data: readonly string[]): void {
  const file = join(folder, 'version');
  const found = readVersion(file);
  if (found === String(folderVersion)) return;
  if (found !== undefined) throw otherVersion(folder, `version ${found.slice(0, 20)}`);
  if (data.some((name) => existsSync(join(folder, name)))) throw otherVersion(folder, 'a version before 1');
  writeFileSync(`${file}.new`, `${folderVersion}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readVersion(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function otherVersion(folder: string, version: string): Error {
  return new Error(
    `the data in ${folder} is of ${version}, and this Rollcall reads version ${folderVersion}:` +
      ' start on another folder with --data DIR, delete this one, or run the Rollcall that wrote it',
  );
}

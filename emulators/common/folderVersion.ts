import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The form of all that the embedded emulators keep in a data folder; it rises with each change that an older one cannot read. */
export const folderVersion = 1;

/**
 * Writes the version into a folder that is new. `data` are the names by which a folder that holds data is known.
 * @throws Error for a folder of another version that says so, and what to do
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

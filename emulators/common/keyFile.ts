import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Reads the secret of a data folder, or creates it once. The file is readable only by its owner, and is replaced in one
 * step, so that it is never incomplete.
 */
export function readOrMakeKey(file: string, make: () => string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const key = make();
  writeFileSync(`${file}.new`, key, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return key;
}

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The secret of a data folder: made once, readable by its owner only. Written whole or not at all. */
export function readOrMakeKey(file: string, make: () => string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const key = make();
  writeFileSync(`${file}.new`, key, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return key;
}

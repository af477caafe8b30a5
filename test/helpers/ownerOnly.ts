import { statSync } from 'node:fs';
import { expect } from 'vitest';

/** Windows has no such bits: there, a folder passes on who may read its files. */
const hasModeBits = process.platform !== 'win32';

/** Nobody but its owner may read or write this file or folder. */
export function expectOwnerOnly(path: string): void {
  const { mode } = statSync(path);
  if (hasModeBits) expect(mode & 0o077, path).toBe(0);
}

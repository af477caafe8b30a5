import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export type KeyedRequest = { headers: Record<string, string | string[] | undefined>; query: unknown };

/** Keys as the real host has them: one for the host, which opens every function. */
export type FunctionKeys = { hostKey: string; accept(functionName: string, request: KeyedRequest): boolean };

/** Reads the key from its file, which only its owner can read, or makes one. */
export async function readFunctionKeys(file: string): Promise<FunctionKeys> {
  const hostKey = await readFile(file, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    const key = randomBytes(32).toString('base64url');
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, key, { mode: 0o600 });
    return key;
  });
  return {
    hostKey,
    accept(_functionName, { headers, query }) {
      const given = headers['x-functions-key'] ?? (query as { code?: string }).code;
      return typeof given === 'string' && same(given, hostKey);
    },
  };
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

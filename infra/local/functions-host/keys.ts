import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

export type KeyedRequest = { headers: Record<string, string | string[] | undefined>; query: unknown };

/**
 * Keys as the real host has them: one that opens every function, one of each extension for its webhook, and the master
 * key, which opens all of that and the administration.
 */
const keyFile = z.object({
  functions: z.string(),
  master: z.string(),
  blobs_extension: z.string(),
  eventgrid_extension: z.string(),
});

export type HostKeys = z.output<typeof keyFile>;

/** Reads the keys from their file, which only its owner can read, or makes some. */
export async function readHostKeys(file: string): Promise<HostKeys> {
  const text = await readFile(file, 'utf8').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    const made = Object.keys(keyFile.shape).map((name) => [name, randomBytes(32).toString('base64url')]);
    const written = JSON.stringify(Object.fromEntries(made), null, 2);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, written, { mode: 0o600 });
    return written;
  });
  return keyFile.parse(JSON.parse(text));
}

/** Whether a request shows this key or the master key, in `x-functions-key` or in `code` of the query. */
export function shows(keys: HostKeys, name: keyof HostKeys, { headers, query }: KeyedRequest): boolean {
  const given = headers['x-functions-key'] ?? (query as { code?: string }).code;
  return typeof given === 'string' && (same(given, keys[name]) || same(given, keys.master));
}

const guarded: Record<string, keyof HostKeys> = {
  '/admin/host/status': 'master',
  '/admin/functions/:name': 'master',
  '/runtime/webhooks/blobs': 'blobs_extension',
  '/runtime/webhooks/EventGrid': 'eventgrid_extension',
};

/** Asks for the key of what is no function: the webhooks of extensions, and the administration. */
export function guardWebhooks(server: FastifyInstance, keys: HostKeys): void {
  server.addHook('onRequest', async (request, reply) => {
    const name = guarded[request.routeOptions.url ?? ''];
    if (name !== undefined && !shows(keys, name, request)) await reply.code(401).send();
  });
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

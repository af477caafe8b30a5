import { randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { readOrMakeKey } from '../common/keyFile.ts';

type KeyedRequest = { headers: Record<string, string | string[] | undefined>; query: unknown };

/**
 * The keys of the real host: one key for all functions, one key per extension for its webhook, and the master key,
 * which also opens the administration.
 */
const names = ['functions', 'master', 'blobs_extension', 'eventgrid_extension'] as const;

export type HostKeys = Record<(typeof names)[number], string>;

/** Reads the keys from their file, or makes keys and the file. @throws Error when the file does not hold the keys */
export function readHostKeys(file: string): HostKeys {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const make = (): string => {
    const made = names.map((name) => [name, randomBytes(32).toString('base64url')]);
    return JSON.stringify(Object.fromEntries(made), null, 2);
  };
  const keys = JSON.parse(readOrMakeKey(file, make)) as Partial<HostKeys> | null;
  if (names.every((name) => typeof keys?.[name] === 'string')) return keys as HostKeys;
  throw new Error(`${file} does not hold the keys of the host: delete it, and new ones are made`);
}

/** Whether a request has this key or the master key, in `x-functions-key` or in `code` of the query. */
export function hasKey({ headers, query }: KeyedRequest, name: keyof HostKeys, keys: HostKeys): boolean {
  const given = headers['x-functions-key'] ?? (query as { code?: string }).code;
  return typeof given === 'string' && (isSame(given, keys[name]) || isSame(given, keys.master));
}

const guarded: Record<string, keyof HostKeys> = {
  '/admin/host/status': 'master',
  '/admin/functions/:name': 'master',
  '/runtime/webhooks/blobs': 'blobs_extension',
  '/runtime/webhooks/EventGrid': 'eventgrid_extension',
};

/** Requires a key for the webhooks of extensions and for the administration. */
export function guardWebhooks(server: FastifyInstance, keys: HostKeys): void {
  server.addHook('onRequest', async (request, reply) => {
    const name = guarded[request.routeOptions.url ?? ''];
    if (name !== undefined && !hasKey(request, name, keys)) await reply.code(401).send();
  });
}

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

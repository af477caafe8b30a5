import type { FastifyRequest } from 'fastify';
import { faults } from '../contract/faults.ts';
import type { ApiVersion, Call } from '../operations/call.ts';

export const imageType = 'application/octet-stream';

export function toCall(request: FastifyRequest, version: ApiVersion): Call {
  return {
    version,
    params: request.params as Call['params'],
    query: parseQuery(request),
    image: parseMediaType(request) === imageType ? parseBytes(request) : undefined,
    json: () => parseJson(request),
  };
}

/** A parameter that is given several times is the list of its values, separated by commas. */
function parseQuery({ query }: FastifyRequest): Record<string, string> {
  const given = Object.entries(query as Record<string, string | string[]>);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

export function parseMediaType({ headers }: FastifyRequest): string | undefined {
  return headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

function parseBytes({ body }: FastifyRequest): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array(0);
}

function parseJson(request: FastifyRequest): Record<string, unknown> {
  if (parseMediaType(request) !== 'application/json') throw faults.mediaType();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(parseBytes(request)));
  } catch {
    throw faults.json();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faults.body();
  return Object.fromEntries(Object.entries(value).filter(([, property]) => property !== null));
}

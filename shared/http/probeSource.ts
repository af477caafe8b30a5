import type { z } from 'zod';
import { RollcallError } from '../errors.ts';
import type { ProbeSource } from '../identification/probe.ts';
import { largestPictureBytes } from '../resources.ts';
import { InvalidRequest, parsed } from './problem.ts';
import type { faceBody, identifyBody } from './schemas.ts';
import type { ApiRequest } from './route.ts';

/** Downloads a picture. @throws RollcallError url_refused, image_too_large */
export type FetchPicture = (url: string) => Promise<Uint8Array>;

/** Reads what a request asks about: picture bytes, or JSON that names a picture or faces. */
export async function readProbeSource(
  request: ApiRequest,
  schema: typeof identifyBody | typeof faceBody,
  fetchPicture: FetchPicture,
): Promise<ProbeSource> {
  const type = contentTypeOf(request);
  const isPicture = isPictureType(type);
  if (!isPicture && type !== 'application/json') throw unsupported(type);
  const bytes = await request.body(largestPictureBytes);
  if (isPicture) {
    if (bytes.length === 0) throw new InvalidRequest([{ field: 'body', expected: 'the bytes of a picture' }]);
    return { kind: 'bytes', bytes };
  }
  const body = parsed(schema as z.ZodType<Body>, parseJson(bytes), 'body');
  if ('url' in body) return { kind: 'bytes', bytes: await fetchPicture(body.url) };
  if ('image' in body) return { kind: 'image', image: body.image };
  return { kind: 'faceIds', faceIds: 'faceIds' in body ? body.faceIds : [body.faceId] };
}

/** Without its parameters. */
export function contentTypeOf(request: ApiRequest): string {
  return (request.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

export function isPictureType(type: string): boolean {
  return type === 'application/octet-stream' || type.startsWith('image/');
}

export function unsupported(type: string): RollcallError {
  return new RollcallError('unsupported_media_type', `The body is ${type === '' ? 'of no type' : type}.`);
}

type Body = { url: string } | { image: string } | { faceIds: string[] } | { faceId: string };

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidRequest([{ field: 'body', expected: 'JSON' }]);
  }
}

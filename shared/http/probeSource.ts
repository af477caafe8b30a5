import type { z } from 'zod';
import type { ProbeSource } from '../identification/probe.ts';
import { contentTypeOf, isPictureType, jsonOf, pictureOf, unsupported } from './body.ts';
import { parsed } from './problem.ts';
import type { faceBody, identifyBody } from './schemas.ts';
import type { ApiRequest } from './route.ts';

/** Downloads a picture. @throws RollcallError url_refused, image_too_large */
export type FetchPicture = (url: string) => Promise<Uint8Array>;

type Body = { url: string } | { image: string } | { faceIds: string[] } | { faceId: string };

/** Reads what a request asks about: picture bytes, or JSON that names a picture or faces. */
export async function readProbeSource(
  request: ApiRequest,
  schema: typeof identifyBody | typeof faceBody,
  fetchPicture: FetchPicture,
): Promise<ProbeSource> {
  const type = contentTypeOf(request);
  if (isPictureType(type)) return { kind: 'bytes', bytes: (await pictureOf(request)).bytes };
  if (type !== 'application/json') throw unsupported(type);
  const body = parsed(schema as z.ZodType<Body>, await jsonOf(request), 'body');
  if ('url' in body) return { kind: 'bytes', bytes: await fetchPicture(body.url) };
  if ('image' in body) return { kind: 'image', image: body.image };
  return { kind: 'faceIds', faceIds: 'faceIds' in body ? body.faceIds : [body.faceId] };
}

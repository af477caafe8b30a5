import type { z } from 'zod';
import type { ProbeSource } from '../identification/probe.ts';
import { contentTypeOf, isPictureType, jsonOf, pictureOf, unsupported } from './body.ts';
import { InvalidRequest, parsed } from './problem.ts';
import type { faceBody, identifyBody } from './schemas.ts';
import type { ApiRequest } from './route.ts';

/** Downloads an image. @throws RollcallError url_refused, image_too_large */
export type FetchPicture = (url: string) => Promise<Uint8Array>;

type Body = { url: string } | { image: string } | { faceIds: string[] } | { faceId: string };

/** Reads the probe of a request: the bytes of an image, or JSON that names an image or faces. */
export async function readProbeSource(
  request: ApiRequest,
  schema: typeof identifyBody | typeof faceBody,
  fetchImage: FetchPicture,
): Promise<ProbeSource> {
  const type = contentTypeOf(request);
  if (isPictureType(type)) return { kind: 'bytes', bytes: (await pictureOf(request)).bytes };
  if (type !== 'application/json') throw unsupported(type);
  const body = alternativeOf(schema, await jsonOf(request));
  if ('url' in body) return { kind: 'bytes', bytes: await fetchImage(body.url) };
  if ('image' in body) return { kind: 'image', image: body.image };
  return { kind: 'faceIds', faceIds: 'faceIds' in body ? body.faceIds : [body.faceId] };
}

const examples: Record<string, string> = {
  url: '{"url": "https://…"}',
  image: '{"image": "identify/{group}/…"}',
  faceIds: '{"faceIds": ["…"]}',
  faceId: '{"faceId": "…"}',
};

/**
 * Parses the body with the alternative of the schema whose only field the body has.
 * @throws InvalidRequest that names all alternatives when none fits, or the field that is wrong
 */
function alternativeOf(schema: typeof identifyBody | typeof faceBody, body: unknown): Body {
  const given = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  const alternatives = schema.options.map((option) => Object.keys(option.shape)[0] ?? '');
  const chosen = schema.options[alternatives.indexOf(given[0] ?? '')];
  if (given.length === 1 && chosen !== undefined) return parsed(chosen as z.ZodType<Body>, body, 'body');
  const named = alternatives.map((name) => examples[name]).join(', ');
  throw new InvalidRequest([{ field: 'body', expected: `the bytes of an image, or JSON: one of ${named}` }]);
}

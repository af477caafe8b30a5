import { RollcallError } from '../errors.ts';
import { largestPictureBytes } from '../resources.ts';
import { InvalidRequest } from './problem.ts';
import type { ApiRequest } from './route.ts';

/** JSON of this API is small; what is larger is a mistake or an attack. */
export const largestJsonBytes = 64 * 1024;

/** The bytes of a picture. @throws RollcallError unsupported_media_type, image_too_large, bad_request for none */
export async function pictureOf(request: ApiRequest): Promise<{ bytes: Uint8Array; type: string }> {
  const type = contentTypeOf(request);
  if (!isPictureType(type)) throw unsupported(type);
  const bytes = await request.body(largestPictureBytes, 'image_too_large');
  if (bytes.length === 0) throw new InvalidRequest([{ field: 'body', expected: 'the bytes of a picture' }]);
  return { bytes, type };
}

/** JSON; undefined where there is no body. @throws RollcallError body_too_large, InvalidRequest */
export async function jsonOf(request: ApiRequest): Promise<unknown> {
  const bytes = await request.body(largestJsonBytes, 'body_too_large');
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidRequest([{ field: 'body', expected: 'JSON' }]);
  }
}

/** The body as it came, of either kind. @throws RollcallError image_too_large, body_too_large */
export function bytesOf(request: ApiRequest): Promise<Uint8Array> {
  return isPictureType(contentTypeOf(request))
    ? request.body(largestPictureBytes, 'image_too_large')
    : request.body(largestJsonBytes, 'body_too_large');
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

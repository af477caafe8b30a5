import { failures, RollcallError } from '../errors/errors.ts';
import { largestImageBytes } from '../config/resources.ts';
import { fileOf } from './multipart.ts';
import { InvalidRequest } from './problem.ts';
import type { ApiRequest } from './route.ts';

/** Limit of a JSON body in bytes. The JSON of this API is small: a larger body is a mistake or an attack. */
export const largestJsonBytes = 64 * 1024;

const anyBytes = 'application/octet-stream';
/** How many characters of an unsupported content type the error message repeats. */
const longestType = 100;
/** Bytes that a form may have in addition to its file. */
const formBytes = 64 * 1024;
const formType = 'multipart/form-data';

/**
 * The bytes of an image, sent as the body or as the file of a form, and their content type.
 * @throws RollcallError unsupported_media_type, image_too_large, bad_request when there are no bytes
 */
export async function pictureOf(request: ApiRequest): Promise<{ bytes: Uint8Array; type: string }> {
  const type = contentTypeOf(request);
  if (!isPictureType(type)) throw unsupported(type);
  const picture =
    type === formType
      ? await fileOfForm(request)
      : { bytes: await plainBody(request, largestImageBytes, 'image_too_large'), type };
  if (picture.bytes.length === 0)
    throw new InvalidRequest([{ field: 'body', expected: 'the bytes of an image' }]);
  return picture;
}

async function fileOfForm(request: ApiRequest): Promise<{ bytes: Uint8Array; type: string }> {
  const form = await plainBody(request, largestImageBytes + formBytes, 'image_too_large');
  const { bytes, type } = fileOf(form, request.header('content-type') ?? '');
  if (bytes.length > largestImageBytes) throw new RollcallError('image_too_large');
  return { bytes, type: type.startsWith('image/') ? type : anyBytes };
}

/**
 * The parsed JSON body; undefined when there is no body.
 * @throws RollcallError unsupported_media_type, body_too_large, InvalidRequest
 */
export async function jsonOf(request: ApiRequest): Promise<unknown> {
  const bytes = await plainBody(request, largestJsonBytes, 'body_too_large');
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidRequest([{ field: 'body', expected: 'JSON' }]);
  }
}

/**
 * The bytes that the request is about: the image, without the form around it, or the JSON.
 * @throws RollcallError as `pictureOf` and `jsonOf`
 */
export async function bytesOf(request: ApiRequest): Promise<Uint8Array> {
  return isPictureType(contentTypeOf(request))
    ? (await pictureOf(request)).bytes
    : plainBody(request, largestJsonBytes, 'body_too_large');
}

async function plainBody(
  request: ApiRequest,
  limit: number,
  tooLarge: 'image_too_large' | 'body_too_large',
): Promise<Uint8Array> {
  const encoding = request.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return request.body(limit, tooLarge);
  throw new RollcallError(
    'unsupported_media_type',
    'The body is compressed (Content-Encoding): send it as it is.',
  );
}

/** The content type in lower case, without its parameters; `application/octet-stream` when the header is absent. */
export function contentTypeOf(request: ApiRequest): string {
  const [type = ''] = (request.header('content-type') ?? '').split(';', 1);
  return type.trim().toLowerCase() || anyBytes;
}

export function isPictureType(type: string): boolean {
  return type === anyBytes || type === formType || type.startsWith('image/');
}

export function unsupported(type: string): RollcallError {
  return new RollcallError(
    'unsupported_media_type',
    `The body is ${type.slice(0, longestType)}: ${failures.unsupported_media_type.remedy}`,
  );
}

/**
 * All failures. `status`: HTTP status for a caller; `retried`: whether the pipeline retries by itself; `title`: what
 * happened; `remedy`: what the reader can do about it.
 */
export const failures = {
  // Reasons for which an image is rejected. The image is at fault; the remedy is to upload a better image.
  bad_path: {
    status: 400,
    retried: false,
    title: 'The path of the picture is not one that Rollcall knows.',
    remedy: 'Use enroll/{group}/{person}/{image} or identify/{group}/{image}.',
  },
  not_an_image: {
    status: 415,
    retried: false,
    title: 'The file is not a picture, or it is damaged.',
    remedy: 'Send a complete JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC.',
  },
  unsupported_format: {
    status: 415,
    retried: false,
    title: 'The picture is of a format that Rollcall does not read.',
    remedy: 'Send a JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC.',
  },
  image_too_small: {
    status: 422,
    retried: false,
    title: 'The picture is too small to hold a face.',
    remedy: 'Send a picture of at least 36 × 36 pixels.',
  },
  image_too_large: {
    status: 413,
    retried: false,
    title: 'The picture is too large.',
    remedy:
      'Send a picture of at most 64 MB and 100 megapixels; of JPEG, BMP and lossy WebP 200 megapixels are taken.',
  },
  no_face: {
    status: 422,
    retried: false,
    title: 'There is no face on the picture.',
    remedy: 'Send a picture on which the face can be seen from the front.',
  },
  several_faces: {
    status: 422,
    retried: false,
    title: 'There is more than one face on the picture.',
    remedy:
      'Send a picture of one person, or set severalFaces of the group to largest: what it admits is then looked at again.',
  },
  low_quality: {
    status: 422,
    retried: false,
    title: 'The face is not clear enough to recognise the person by it.',
    remedy:
      'Send a sharper, better lit, frontal picture, or lower minQuality of the group: what it admits is then looked at again.',
  },
  face_too_small: {
    status: 422,
    retried: false,
    title: 'The face is too small on the picture.',
    remedy: 'Send a picture on which the face is at least 36 pixels wide, better 200.',
  },
  person_full: {
    status: 409,
    retried: false,
    title: 'The person has as many faces as Face allows (248).',
    remedy: 'Delete pictures of this person that are no longer needed.',
  },

  // Reasons for which a request is refused.
  not_authenticated: {
    status: 401,
    retried: false,
    title: 'The caller did not prove who it is.',
    remedy: 'Send a function key in x-functions-key, or a token of Microsoft Entra.',
  },
  not_allowed: {
    status: 403,
    retried: false,
    title: 'The caller does not have the role that the route asks for.',
    remedy: 'Have the app role assigned: Rollcall.Identify, Rollcall.Enroll or Rollcall.Admin.',
  },
  bad_request: {
    status: 400,
    retried: false,
    title: 'The request is not valid.',
    remedy: 'See detail: it names the field and what was expected.',
  },
  unsupported_media_type: {
    status: 415,
    retried: false,
    title: 'The body is of a type that this route does not take.',
    remedy:
      'Send a picture as application/octet-stream, image/* or multipart/form-data with one file, or application/json; none of them compressed.',
  },
  body_too_large: {
    status: 413,
    retried: false,
    title: 'The body is too large.',
    remedy: 'Send at most 64 KB of JSON.',
  },
  url_refused: {
    status: 400,
    retried: false,
    title: 'The picture cannot be fetched from this URL.',
    remedy:
      'Use an https URL of a public host that answers within ten seconds with a picture of at most 64 MB.',
  },
  route_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such route.',
    remedy: 'See /api/openapi.json for the routes there are.',
  },
  method_not_allowed: {
    status: 405,
    retried: false,
    title: 'The path is known, but not with this method.',
    remedy: 'Use one of the methods that Allow names.',
  },
  group_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such group.',
    remedy:
      'Drop a picture to enroll/{group}/{person}/ or create the group with PUT: probes that were dropped before are then looked at again.',
  },
  person_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such person in the group.',
    remedy: 'See GET /groups/{group}/persons for the persons there are.',
  },
  image_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such picture.',
    remedy: 'Name a picture that lies in the container, the whole path, container first.',
  },
  image_archived: {
    status: 409,
    retried: false,
    title: 'The blob is archived and cannot be read.',
    remedy: 'Bring it back to the hot or cool tier, then send what failed round again.',
  },
  result_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such result.',
    remedy: 'Results are kept for a number of days only; see GET /groups/{group}/results.',
  },
  erasure_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such deletion.',
    remedy: 'Use the id that DELETE answered.',
  },
  face_id_not_found: {
    status: 404,
    retried: false,
    title: 'The face ID is not known in this group.',
    remedy: 'Use a face ID of an earlier answer for this group.',
  },
  face_id_expired: {
    status: 410,
    retried: false,
    title: 'The face ID has expired: Face keeps them for a day at most.',
    remedy: 'Send the picture again.',
  },
  recognition_model_fixed: {
    status: 409,
    retried: false,
    title: 'The recognition model of a group cannot change.',
    remedy: 'Create another group with the wanted model and drop the pictures there.',
  },

  precondition_failed: {
    status: 412,
    retried: false,
    title: 'The group is not in the version that If-Match or If-None-Match asks for.',
    remedy: 'Read the group again: its ETag is the version of its settings.',
  },
  key_reused: {
    status: 422,
    retried: false,
    title: 'The Idempotency-Key was used for another request.',
    remedy: 'Use a new key for each request, and the same one only to repeat it.',
  },
  in_progress: {
    status: 409,
    retried: false,
    title: 'A request with this Idempotency-Key is being answered.',
    remedy: 'Try again after the time in Retry-After: it gets the same result.',
  },

  // Failures of Rollcall itself or of a service behind it.
  busy: {
    status: 429,
    retried: true,
    title: 'More requests are waiting for the quota of Face than can be answered soon.',
    remedy: 'Try again after the time in Retry-After.',
  },
  face_throttled: {
    status: 503,
    retried: true,
    title: 'Face refused the call because of its rate limit.',
    remedy: 'Wait; if it persists, another program uses the same Face resource, or FACE_QUOTA is too high.',
  },
  quota_exceeded: {
    status: 503,
    retried: true,
    title: 'The monthly volume of the Face plan is used up.',
    remedy: 'Wait until it renews or move to a larger plan.',
  },
  plan_full: {
    status: 507,
    retried: false,
    title: 'The plan of the Face resource holds no more groups or persons.',
    remedy: 'Delete groups or persons, or move to a larger plan; then redrive what failed.',
  },
  group_lost: {
    status: 503,
    retried: true,
    title: 'Face does not have the group any more: it was deleted there by somebody else.',
    remedy: 'Nothing: it is created anew, and what was enrolled in it is enrolled again.',
  },
  messaging_unavailable: {
    status: 503,
    retried: true,
    title: 'Service Bus did not answer in time.',
    remedy: 'Try again later; see whether the Service Bus namespace can be reached.',
  },
  storage_unavailable: {
    status: 503,
    retried: true,
    title: 'The storage account did not answer in time.',
    remedy: 'Try again later; see whether the storage account can be reached.',
  },
  face_unavailable: {
    status: 503,
    retried: true,
    title: 'Face did not answer, or answered with a failure of its own.',
    remedy: 'Try again later.',
  },
  face_refused: {
    status: 502,
    retried: false,
    title: 'Face refused a call that should have been right.',
    remedy: 'See the logs for the code that Face gave.',
  },
  face_access_denied: {
    status: 502,
    retried: false,
    title: 'Face does not accept the key or identity, or the resource lacks the approval for recognition.',
    remedy: 'Check FACE_ENDPOINT, FACE_APIKEY, the role of the identity, and the Limited Access approval.',
  },
  recognition_model_mismatch: {
    status: 409,
    retried: false,
    title: 'The group exists in Face with another recognition model.',
    remedy: 'Set recognitionModel of the group to the model that Face has, or delete the group in Face.',
  },
  training_failed: {
    status: 500,
    retried: true,
    title: 'Face could not train the group.',
    remedy: 'It is tried again with growing pauses; see error in GET /groups/{group}.',
  },
  too_many_attempts: {
    status: 500,
    retried: false,
    title: 'The picture could not be processed, however often it was tried.',
    remedy: 'See detail for the last failure; redrive what failed once its cause is gone.',
  },
  other_version: {
    status: 503,
    retried: true,
    title: 'What is stored was written by another version of Rollcall, which this one does not know.',
    remedy: 'Run the version that wrote it, or begin with empty tables and containers.',
  },
  conflict: {
    status: 503,
    retried: true,
    title: 'Too many changes at once to the same record.',
    remedy: 'Try again.',
  },
  internal: {
    status: 500,
    retried: true,
    title: 'Something unexpected went wrong.',
    remedy: 'See the logs; it is a defect of Rollcall.',
  },
} as const satisfies Record<string, { status: number; retried: boolean; title: string; remedy: string }>;

export type FailureCode = keyof typeof failures;

/** Reasons for which an image ends as `rejected`. */
export const rejections = [
  'bad_path',
  'not_an_image',
  'unsupported_format',
  'image_too_small',
  'image_too_large',
  'no_face',
  'several_faces',
  'low_quality',
  'face_too_small',
  'person_full',
  'group_not_found',
] as const satisfies readonly FailureCode[];

export type Rejection = (typeof rejections)[number];

/** Rejections that depend on the group: when the group is created or its policy changes, the image may be admitted. */
export const groupRejections = [
  'several_faces',
  'low_quality',
  'group_not_found',
] as const satisfies readonly Rejection[];

export type GroupRejection = (typeof groupRejections)[number];

export function isRejection(code: string): code is Rejection {
  return rejections.some((rejection) => rejection === code);
}

/** Every failure that Rollcall raises on purpose. `detail` never holds a name, an image or a secret. */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';
  readonly code: FailureCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: FailureCode, detail?: string, options: { cause?: unknown; retryAfterMs?: number } = {}) {
    super(detail ?? failures[code].title, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Nothing was done, because the rate limiter deferred a call or another instance is doing the same work. */
export function deferred(retryAfterMs: number): RollcallError {
  return new RollcallError('busy', undefined, { retryAfterMs });
}

/** In how many milliseconds deferred work may be retried; undefined when the error is no deferral. */
export function deferredForMs(error: unknown): number | undefined {
  return error instanceof RollcallError && error.code === 'busy' ? error.retryAfterMs : undefined;
}

/** The code of any error: the code of a `RollcallError`, or `internal` for an unexpected error. */
export function codeOf(error: unknown): FailureCode {
  return error instanceof RollcallError ? error.code : 'internal';
}

/** The most stack frames of this project in a log line. */
const framesAtMost = 3;

/**
 * The text by which an error is logged. For a `RollcallError`: code, detail, and name and codes of the cause. For any
 * other error: name, codes and stack frames, but never the message, because a message may hold a path or a name.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof RollcallError))
    return error instanceof Error
      ? `internal: ${[traitsOf(error), ...framesOf(error)].join(' at ')}`
      : 'internal';
  const { code, message, cause } = error;
  if (code === 'internal' && cause !== undefined) return describeError(cause);
  return cause instanceof Error ? `${code}: ${message} (${traitsOf(cause)})` : `${code}: ${message}`;
}

/** The name of an error, with its `code` and `statusCode` where present. */
function traitsOf(error: Error): string {
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  const codes = [code, statusCode].filter((value) => typeof value === 'string' || typeof value === 'number');
  return [error.name, ...codes].join(' ');
}

/** Stack frames of an error in this project, innermost first, each as file, line and column. */
function framesOf({ message, stack = '' }: Error): string[] {
  const own = stack
    .replace(message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/node:|node_modules/.test(line));
  return own.slice(0, framesAtMost).flatMap((line) => /[^/\\(]+:\d+:\d+(?=\)?$)/.exec(line)?.[0] ?? []);
}

/** What the table of failures says of each code. */
type Failure = {
  /** HTTP status for a caller. */
  status: number;
  /** An image ends as `rejected` for it: the image is at fault. */
  rejects?: true;
  /** The rejection may be lifted when the group is created or its policy changes. */
  dependsOnGroup?: true;
  /** The pipeline retries by itself. */
  retried: boolean;
  /** A service takes no calls: the pipeline retries for half an hour, since no image is at fault. */
  outage?: true;
  /** The answer to a caller holds `Retry-After` when the time to retry is known. */
  retryAfter?: true;
  /** What happened. */
  title: string;
  /** What a caller does. */
  remedy: string;
  /** What an operator does. */
  operator: string;
};

const callersOwn = 'Nothing: the request is at fault.';
const manyAtOnce = 'Nothing. Many at once: see who uploads them.';
const seeRegion =
  'See the status page of the region, network rules, private endpoints. Work resumes by itself.';
const askOperator = 'Ask the operator: the guide to operations says what helps.';

const table = {
  bad_path: {
    status: 400,
    rejects: true,
    retried: false,
    title: 'Rollcall does not know a path of this form.',
    remedy: 'Use enroll/{group}/{person}/{image} or identify/{group}/{image}.',
    operator: manyAtOnce,
  },
  not_an_image: {
    status: 415,
    rejects: true,
    retried: false,
    title: 'The file is not an image, or it is damaged.',
    remedy: 'Send a complete JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC.',
    operator: manyAtOnce,
  },
  unsupported_format: {
    status: 415,
    rejects: true,
    retried: false,
    title: 'Rollcall does not read images of this format.',
    remedy: 'Send a JPEG, PNG, GIF, BMP, WebP, TIFF, AVIF or HEIC.',
    operator: manyAtOnce,
  },
  image_too_small: {
    status: 422,
    rejects: true,
    retried: false,
    title: 'The image is too small to hold a face.',
    remedy: 'Send an image of at least 36 × 36 pixels.',
    operator: manyAtOnce,
  },
  image_too_large: {
    status: 413,
    rejects: true,
    retried: false,
    title: 'The image is too large.',
    remedy:
      'Send an image of at most 64 MB and 100 megapixels; JPEG, BMP and lossy WebP may have 200 megapixels.',
    operator: manyAtOnce,
  },
  no_face: {
    status: 422,
    rejects: true,
    retried: false,
    title: 'There is no face on the image.',
    remedy: 'Send an image on which the face can be seen from the front.',
    operator: manyAtOnce,
  },
  several_faces: {
    status: 422,
    rejects: true,
    dependsOnGroup: true,
    retried: false,
    title: 'There is more than one face on the image.',
    remedy:
      'Send an image of one person, or set severalFaces of the group to largest, which checks rejected images again.',
    operator: 'Nothing. Many at once: see whether `severalFaces` of the group suits its images.',
  },
  low_quality: {
    status: 422,
    rejects: true,
    dependsOnGroup: true,
    retried: false,
    title: 'The face is not clear enough to recognise the person by it.',
    remedy:
      'Send a sharper, better lit, frontal image, or lower minQuality of the group, which checks rejected images again.',
    operator: 'Nothing. Many at once: see whether `minQuality` of the group suits its images.',
  },
  face_too_small: {
    status: 422,
    rejects: true,
    retried: false,
    title: 'The face is too small on the image.',
    remedy: 'Send an image on which the face is at least 36 pixels wide, better 200.',
    operator: manyAtOnce,
  },
  person_full: {
    status: 409,
    rejects: true,
    retried: false,
    title: 'The person has as many faces as Face allows (248).',
    remedy: 'Delete images of this person that are no longer needed.',
    operator: 'Delete images of this person that are no longer needed.',
  },
  group_not_found: {
    status: 404,
    rejects: true,
    dependsOnGroup: true,
    retried: false,
    title: 'There is no such group.',
    remedy:
      'Upload an image to enroll/{group}/{person}/, or create the group with PUT: earlier probes are then identified.',
    operator: callersOwn,
  },

  not_authenticated: {
    status: 401,
    retried: false,
    title: 'The caller did not prove who it is.',
    remedy: 'Send a function key in x-functions-key, or a token of Microsoft Entra.',
    operator: 'All callers at once: see whether a key was renewed or App Service authentication was changed.',
  },
  not_allowed: {
    status: 403,
    retried: false,
    title: 'The caller does not have the role that the route asks for.',
    remedy: 'Have the app role assigned: Rollcall.Identify, Rollcall.Enroll or Rollcall.Admin.',
    operator: 'Assign the app role, where the caller is to have it.',
  },
  bad_request: {
    status: 400,
    retried: false,
    title: 'The request is not valid.',
    remedy: 'See detail: it names the field and what was expected.',
    operator: callersOwn,
  },
  unsupported_media_type: {
    status: 415,
    retried: false,
    title: 'The route does not take a body of this type.',
    remedy:
      'Send an image as application/octet-stream, image/* or multipart/form-data with one file, ' +
      'or application/json; none of them compressed.',
    operator: callersOwn,
  },
  body_too_large: {
    status: 413,
    retried: false,
    title: 'The body is too large.',
    remedy: 'Send at most 64 KB of JSON.',
    operator: callersOwn,
  },
  url_refused: {
    status: 400,
    retried: false,
    title: 'The image cannot be fetched from this URL.',
    remedy:
      'Use an https URL of a public host that answers within ten seconds with an image of at most 64 MB.',
    operator: callersOwn,
  },
  route_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such route.',
    remedy: 'See /api/openapi.json for the routes there are.',
    operator: callersOwn,
  },
  method_not_allowed: {
    status: 405,
    retried: false,
    title: 'The path is known, but not with this method.',
    remedy: 'Use one of the methods that Allow names.',
    operator: callersOwn,
  },
  person_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such person in the group.',
    remedy: 'See GET /groups/{group}/persons for the people there are.',
    operator: callersOwn,
  },
  image_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such image.',
    remedy: 'Name an image that lies in the container, by its whole path, container first.',
    operator: callersOwn,
  },
  image_archived: {
    status: 409,
    retried: false,
    title: 'The blob is archived and cannot be read.',
    remedy: 'Bring it back to the hot or cool tier, then redrive what failed.',
    operator: 'Bring the blob back to the hot or cool tier, then redrive.',
  },
  result_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such result.',
    remedy: 'Results are kept for a number of days only; see GET /groups/{group}/results.',
    operator: callersOwn,
  },
  erasure_not_found: {
    status: 404,
    retried: false,
    title: 'There is no such deletion.',
    remedy: 'Use the id that DELETE answered.',
    operator: callersOwn,
  },
  face_id_not_found: {
    status: 404,
    retried: false,
    title: 'The face ID is not known in this group.',
    remedy: 'Use a face ID of an earlier answer for this group.',
    operator: callersOwn,
  },
  face_id_expired: {
    status: 410,
    retried: false,
    title: 'The face ID has expired: Face keeps face IDs for a day at most.',
    remedy: 'Send the image again.',
    operator: callersOwn,
  },
  recognition_model_fixed: {
    status: 409,
    retried: false,
    title: 'The recognition model of a group cannot change.',
    remedy: 'Create another group with the wanted model and upload the images there.',
    operator: callersOwn,
  },
  precondition_failed: {
    status: 412,
    retried: false,
    title: 'The group is not in the version that If-Match or If-None-Match asks for.',
    remedy: 'Read the group again: its ETag is the version of its settings.',
    operator: callersOwn,
  },
  key_reused: {
    status: 422,
    retried: false,
    title: 'The Idempotency-Key was used for another request.',
    remedy: 'Use a new key for each request, and the same one only to repeat it.',
    operator: callersOwn,
  },
  in_progress: {
    status: 409,
    retried: false,
    retryAfter: true,
    title: 'A request with this Idempotency-Key is being answered.',
    remedy: 'Try again after the time in Retry-After: the same result is answered.',
    operator: callersOwn,
  },

  busy: {
    status: 429,
    retried: true,
    retryAfter: true,
    title: 'More requests are waiting for the quota of Face than can be answered soon.',
    remedy: 'Try again after the time in Retry-After.',
    operator: 'Callers ask faster than Face allows: as for `rollcall-quota-near-end`.',
  },
  face_throttled: {
    status: 503,
    retried: true,
    outage: true,
    retryAfter: true,
    title: 'Face refused the call because of its rate limit.',
    remedy: 'Try again after the time in Retry-After.',
    operator: 'As for `rollcall-face-throttled`.',
  },
  quota_exceeded: {
    status: 503,
    retried: true,
    retryAfter: true,
    title: 'The monthly volume of the Face plan is used up.',
    remedy: 'Try again after the time in Retry-After.',
    operator: 'As for `rollcall-volume-near-end`. Nothing is lost; work resumes by itself.',
  },
  plan_full: {
    status: 507,
    retried: false,
    title: 'The plan of the Face resource holds no more groups or people.',
    remedy: 'Delete groups or people that are no longer needed, or ask the operator.',
    operator: 'Delete groups or people, or move to a larger plan; then redrive.',
  },
  group_lost: {
    status: 503,
    retried: true,
    title: 'The group was deleted in Face by another program.',
    remedy: 'Try again later: the group is created anew, and its images are enrolled again.',
    operator: 'Once: nothing. Repeatedly: find what else deletes groups in this Face resource.',
  },
  messaging_unavailable: {
    status: 503,
    retried: true,
    outage: true,
    title: 'Service Bus did not answer in time.',
    remedy: 'Try again later.',
    operator: seeRegion,
  },
  storage_unavailable: {
    status: 503,
    retried: true,
    outage: true,
    title: 'The storage account did not answer in time.',
    remedy: 'Try again later.',
    operator: seeRegion,
  },
  face_unavailable: {
    status: 503,
    retried: true,
    outage: true,
    title: 'Face did not answer, or answered with a server error.',
    remedy: 'Try again later.',
    operator: seeRegion,
  },
  face_refused: {
    status: 502,
    retried: false,
    title: 'Face refused a call that should have been right.',
    remedy: askOperator,
    operator:
      'The log line has the code of Face. Where Face changed its contract, it is a defect of Rollcall.',
  },
  face_access_denied: {
    status: 502,
    retried: false,
    title: 'Face does not accept the key or identity, or the resource lacks the approval for recognition.',
    remedy: askOperator,
    operator:
      'Check `FACE_ENDPOINT`, `FACE_APIKEY`, the role Cognitive Services User, Limited Access; then redrive.',
  },
  recognition_model_mismatch: {
    status: 409,
    retried: false,
    title: 'The group exists in Face with another recognition model.',
    remedy: askOperator,
    operator:
      'Set `recognitionModel` of the group to that of Face, or delete the group in Face; then redrive.',
  },
  training_failed: {
    status: 500,
    retried: true,
    title: 'Face could not train the group.',
    remedy: 'Wait: it is retried with growing pauses; see error in GET /groups/{group}.',
    operator: 'As for `rollcall-trainings-fail`.',
  },
  too_many_attempts: {
    status: 500,
    retried: false,
    title: 'The image could not be processed in any of its attempts.',
    remedy: 'Ask the operator; detail names the last failure.',
    operator: '`detail` names the last failure: remove its cause, then redrive.',
  },
  other_version: {
    status: 503,
    retried: true,
    title: 'The stored data was written by another version of Rollcall, which this one cannot read.',
    remedy: askOperator,
    operator: 'Deploy the version that wrote the data, or begin with empty tables and containers.',
  },
  conflict: {
    status: 503,
    retried: true,
    title: 'Too many changes at once to the same record.',
    remedy: 'Try again.',
    operator: 'Nothing. If it stays, see whether two deployments share one storage account.',
  },
  internal: {
    status: 500,
    retried: true,
    title: 'Something unexpected went wrong.',
    remedy: 'Try again; if it stays, ask the operator.',
    operator: 'It is a defect: keep the log lines of its `trace_id`, and report it.',
  },
} as const satisfies Record<string, Failure>;

export type FailureCode = keyof typeof table;

/** All failures. The failure policy and the HTTP problems read the table; `npm run docs` writes the guides from it. */
export const failures: Readonly<Record<FailureCode, Failure>> = table;

type CodeWith<Column extends keyof Failure> = {
  [Code in FailureCode]: (typeof table)[Code] extends Record<Column, true> ? Code : never;
}[FailureCode];

/** A reason for which an image ends as `rejected`. */
export type Rejection = CodeWith<'rejects'>;

/** A rejection that may be lifted when the group is created or its policy changes. */
export type GroupRejection = CodeWith<'dependsOnGroup'>;

/** Whether a text, such as the code in an answer of another version, is a code of the table. */
export function isFailureCode(text: string): text is FailureCode {
  return Object.hasOwn(failures, text);
}

export function isRejection(code: FailureCode): code is Rejection {
  return failures[code].rejects === true;
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

/** An error of the Face API, with status, code and message of Microsoft's documentation. */
export class FaceFault extends Error {
  override readonly name = 'FaceFault';
  readonly status: number;
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;
  constructor(status: number, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const badArgument = (message: string) => new FaceFault(400, 'BadArgument', message);
const invalidUrl = (message: string) => new FaceFault(400, 'InvalidURL', message);
const invalidImage = (message: string) => new FaceFault(400, 'InvalidImage', message);
const persistedFaceNotFound = (message: string) => new FaceFault(404, 'PersistedFaceNotFound', message);

/** Faults without a kind of collection. The kinds add faults of their own. */
export const faults = {
  badArgument,
  body: () => badArgument('Request body is invalid.'),
  json: () => badArgument('JSON parsing error.'),
  incompatibleModel: () => badArgument("'recognitionModel' is incompatible."),
  faceIds: () => badArgument('The length of faceIds is not in a valid range.'),
  url: () => invalidUrl('Invalid image URL.'),
  download: () =>
    invalidUrl(
      'Invalid image URL or error downloading from target server. Remote server error returned: "An error occurred' +
        ' while sending the request."',
    ),
  decoding: () => invalidImage('Decoding error, image format unsupported.'),
  noFace: () => invalidImage('No face detected in the image.'),
  severalFaces: () => invalidImage('There is more than 1 face in the image.'),
  tooSmall: () => new FaceFault(400, 'InvalidImageSize', 'Image size is too small.'),
  tooBig: () => new FaceFault(400, 'InvalidImageSize', 'Image size is too big.'),
  mediaType: () => new FaceFault(415, 'BadArgument', 'Invalid Media Type.'),
  accessDenied: () =>
    new FaceFault(
      401,
      '401',
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an' +
        ' active subscription and use a correct regional API endpoint for your resource.',
    ),
  retiredAttributes: () =>
    new FaceFault(
      403,
      'UnsupportedFeature',
      'Return Attributes (emotion, gender, age, smile, facial hair, hair and makeup) have been deprecated and are no' +
        ' longer supported.',
    ),
  quota: (message: string) => new FaceFault(403, 'QuotaExceeded', message),
  // For an unknown or expired face ID: 404 in verify, 400 elsewhere.
  faceNotFound: (status: 400 | 404) => new FaceFault(status, 'FaceNotFound', 'Face is not found.'),
  personNotFound: (id: string) => new FaceFault(404, 'PersonNotFound', `Person ${id} is not found.`),
  personId: () => new FaceFault(404, 'PersonNotFound', 'Person ID is invalid.'),
  persistedFaceNotFound: (id: string) => persistedFaceNotFound(`Persisted face ${id} is not found.`),
  persistedFaceId: () => persistedFaceNotFound('Persisted face ID is invalid.'),
  noPersistedFace: () => persistedFaceNotFound('No persisted face of the person is found.'),
  routeNotFound: () => new FaceFault(404, '404', 'Resource not found'),
  timeOut: () => new FaceFault(408, 'OperationTimeOut', 'Request Timeout.'),
  headers: () => new FaceFault(431, 'BadArgument', 'Request headers are too large.'),
  internal: () => new FaceFault(500, 'InternalServerError', 'Internal server error.'),
  rateExceeded: (seconds: number) =>
    new FaceFault(429, '429', `Rate limit is exceeded. Try again in ${seconds} seconds.`, seconds),
  // For more simultaneous images than fit into memory, independent of the quota.
  busy: () => faults.rateExceeded(1),
} as const;

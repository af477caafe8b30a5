/** An error of the Face API: status, code and message as Microsoft's error page has them. */
export class FaceFault extends Error {
  override readonly name = 'FaceFault';
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const badArgument = (message: string) => new FaceFault(400, 'BadArgument', message);
const invalidImage = (message: string) => new FaceFault(400, 'InvalidImage', message);

export const faults = {
  badArgument,
  body: () => badArgument('Request body is invalid.'),
  json: () => badArgument('JSON parsing error.'),
  url: () => new FaceFault(400, 'InvalidURL', 'Invalid image URL or error downloading from target server.'),
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
  quota: (what: string) => new FaceFault(403, 'QuotaExceeded', what),
  // A face ID that has expired or never was: 404 in verify, 400 elsewhere.
  faceNotFound: (status: 400 | 404 = 400) => new FaceFault(status, 'FaceNotFound', 'Face is not found.'),
  groupNotFound: (status: 400 | 404) =>
    new FaceFault(status, 'LargePersonGroupNotFound', 'Large person group is not found.'),
  groupExists: (id: string) =>
    new FaceFault(409, 'LargePersonGroupExists', `Large person group '${id}' already exists.`),
  notTrained: (status: 400 | 404) =>
    new FaceFault(status, 'LargePersonGroupNotTrained', 'Large person group not trained.'),
  underTraining: () =>
    new FaceFault(409, 'LargePersonGroupTrainingNotFinished', 'Large person group is under training.'),
  personNotFound: (id: string) => new FaceFault(404, 'PersonNotFound', `Person ${id} is not found.`),
  persistedFaceNotFound: (id: string) =>
    new FaceFault(404, 'PersistedFaceNotFound', `Persisted face ${id} is not found.`),
  noPersistedFace: () =>
    new FaceFault(404, 'PersistedFaceNotFound', 'No persisted face of the person is found.'),
  incompatibleModel: () => badArgument("'recognitionModel' is incompatible."),
  routeNotFound: () => new FaceFault(404, '404', 'Resource not found'),
  busy: () => new FaceFault(503, 'ServiceUnavailable', 'The service is busy, please try later.'),
} as const;

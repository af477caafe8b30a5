import { z } from 'zod';
import { failures, type FailureCode } from '../errors/errors.ts';
import { imageStates } from '../records/image.ts';

/** The shapes of requests and answers, used for validation, for types and for the OpenAPI document. */

const time = z.iso.datetime().describe('UTC, ISO 8601');
const confidence = z.number().min(0).max(1);
const faceId = z.string().min(1).max(64);
const model = z.enum(['recognition_01', 'recognition_02', 'recognition_03', 'recognition_04']);
const state = z.enum(imageStates);
export const code = z.enum(Object.keys(failures) as [FailureCode, ...FailureCode[]]);
const page = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), next: z.string().optional().describe('Pass as after for the next page') });

/** Row keys order times from 1970 to this time in 2286, in milliseconds since 1970. */
const latest = 9_999_999_999_999;
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => Math.min(Math.max(Date.parse(text), 0), latest))
  .optional();

export const faceRectangle = z
  .object({ left: z.int(), top: z.int(), width: z.int(), height: z.int() })
  .describe('Pixels of the upright original')
  .meta({ id: 'FaceRectangle' });

const face = {
  faceId,
  faceRectangle,
  qualityForRecognition: z.enum(['low', 'medium', 'high']).optional(),
};

const pageQuery = {
  top: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many items, 1 to 1000'),
  after: z
    .string()
    .max(600)
    .optional()
    .describe('The token that the previous page of this list returned as next'),
};

/** The query of a list without filters. */
export const pageOnly = z.object(pageQuery);

export const imageQuery = z.object({
  ...pageQuery,
  state: state.optional(),
  person: z.string().max(200).optional(),
});

export const allImagesQuery = imageQuery.omit({ person: true });

export const resultQuery = z.object({
  ...pageQuery,
  kind: z.enum(['identify', 'find-similar', 'verify']).optional(),
  person: z.string().max(200).optional(),
  since: instant.describe('Only results of this time or later, ISO 8601'),
  until: instant.describe('Only results of this time or earlier, ISO 8601'),
});

export const identifyQuery = z.object({
  maxCandidates: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .default(1)
    .describe('How many candidates of each face, the best first; fewer where the result would be too large'),
  confidenceThreshold: z.coerce.number().min(0).max(1).optional(),
});

export const findSimilarQuery = z.object({
  mode: z.enum(['matchPerson', 'matchFace']).default('matchPerson'),
  maxCandidates: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe(
      'How many matches of each face, the best first; fewer, with truncated, where the result would be too large',
    ),
  since: instant.describe('Only faces seen at this time or later; absent: the newest 10,000'),
});

export const verifyQuery = z.object({ person: z.string().min(1).max(200) });

export const groupBody = z.strictObject({
  recognitionModel: model.optional(),
  identifyThreshold: confidence.optional(),
  minQuality: z.enum(['high', 'medium', 'low', 'none']).optional(),
  severalFaces: z
    .enum(['reject', 'dominant', 'largest'])
    .optional()
    .describe(
      'dominant: the largest face, if it is twice as wide as every other, or 1.2 times as wide and alone in the middle',
    ),
});

const url = z.strictObject({
  url: z.url({ protocol: /^https$/, error: 'a URL that begins with https://, since no other is fetched' }),
});
const image = z.strictObject({ image: z.string().min(1).max(1_100) });

/** The JSON body of identify. */
export const identifyBody = z.union([
  url,
  image,
  z.strictObject({ faceIds: z.array(faceId).min(1).max(100) }),
]);
/** The JSON body of find-similar and of verify. */
export const faceBody = z.union([url, image, z.strictObject({ faceId })]);

export const problem = z
  .object({
    type: z.string().describe('Where the code is explained'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code,
    errors: z.array(z.object({ field: z.string(), expected: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

const counted = <State extends string>(...states: State[]) =>
  z.object(Object.fromEntries(states.map((name) => [name, z.int()])) as Record<State, z.ZodInt>);

export const groupSettings = z
  .object({ ...groupBody.shape, group: z.string(), recognitionModel: model })
  .meta({ id: 'GroupSettings' });

export const group = groupSettings
  .extend({
    persons: z.int(),
    images: counted('received', 'detected', 'enrolled', 'rejected', 'failed', 'removed').describe(
      'Images in enroll',
    ),
    probes: counted('received', 'identified', 'rejected', 'failed', 'removed').describe('Images in identify'),
    training: z.object({
      state: z.enum(['idle', 'pending', 'running', 'failed']),
      covered: z.boolean().describe('Whether a training covers every change'),
      lastTrainedAt: time.optional(),
      error: z.string().optional(),
    }),
  })
  .meta({ id: 'Group' });

export const person = z
  .object({
    person: z.string(),
    personId: z.string().optional().describe('The person in Face'),
    images: counted('received', 'detected', 'enrolled', 'rejected', 'failed', 'removed'),
    createdAt: time,
  })
  .meta({ id: 'Person' });

export const imageRecord = z
  .object({
    image: z.string().describe('The whole path, container first'),
    group: z.string().optional(),
    person: z.string().optional(),
    state,
    reason: code.optional(),
    detail: z.string().optional(),
    faceRectangle: faceRectangle.optional(),
    qualityForRecognition: face.qualityForRecognition,
    persistedFaceId: z.string().optional(),
    bytes: z.int().min(0).describe('Size of the blob'),
    sha256: z
      .string()
      .optional()
      .describe('SHA-256 of the bytes, in hexadecimal; absent until they are read'),
    receivedAt: time,
    updatedAt: time,
  })
  .meta({ id: 'ImageRecord' });

const resultOf = { id: z.string(), group: z.string(), createdAt: time, image: z.string().optional() };

export const identifyAnswer = z
  .object({
    ...resultOf,
    kind: z.literal('identify'),
    recognitionModel: model,
    trained: z.boolean(),
    truncated: z
      .literal(true)
      .optional()
      .describe('Face answered its maximum of 100 faces, the largest ones: the image may hold more'),
    faces: z.array(
      z.object({
        ...face,
        candidates: z.array(z.object({ person: z.string(), personId: z.string(), confidence })),
      }),
    ),
  })
  .meta({ id: 'IdentifyAnswer' });

export const findSimilarAnswer = z
  .object({
    ...resultOf,
    kind: z.literal('find-similar'),
    searched: z.int(),
    truncated: z
      .boolean()
      .describe(
        'Whether there were more faces to search, more matches, or more faces on the image than the 10 compared',
      ),
    faces: z.array(
      z.object({
        ...face,
        matches: z.array(
          z.object({ faceId, image: z.string().optional(), faceRectangle, confidence, detectedAt: time }),
        ),
      }),
    ),
  })
  .meta({ id: 'FindSimilarAnswer' });

export const verifyAnswer = z
  .object({
    ...resultOf,
    kind: z.literal('verify'),
    person: z.string(),
    isIdentical: z.boolean(),
    confidence,
    faces: z.array(z.object({ ...face, isIdentical: z.boolean(), confidence })),
  })
  .meta({ id: 'VerifyAnswer' });

export const result = z.union([identifyAnswer, findSimilarAnswer, verifyAnswer]);

export const health = z
  .object({
    status: z.enum(['ok', 'down']),
    parts: z.record(z.string(), z.object({ status: z.enum(['ok', 'down']), detail: z.string().optional() })),
  })
  .meta({ id: 'Health' });

const erasedCount = z.int();

export const deletePersonQuery = z.object({
  probes: z
    .enum(['keep', 'delete'])
    .default('keep')
    .describe(
      'delete: images to identify on which the person was the best candidate are deleted too, with their ' +
        'records, results and face IDs. A deletion that is already running stays as it was requested',
    ),
});

export const kept = z
  .object({
    what: z.enum(['templates', 'probes', 'tombstone']),
    why: z.string(),
    until: time.optional().describe('When it is gone at the latest'),
  })
  .meta({ id: 'Kept' });

export const erasure = z
  .object({
    id: z.string(),
    group: z.string(),
    kind: z.enum(['group', 'person']),
    state: z
      .enum(['running', 'removed', 'finished'])
      .describe(
        'removed: everything is gone except what `kept` names; finished: the templates in Face have expired too',
      ),
    requestedAt: time,
    removedAt: time
      .optional()
      .describe('When nothing more was found and the group had been trained without it'),
    finishedAt: time
      .optional()
      .describe(
        'When the last template had expired in Face; equal to removedAt when nothing was detected lately',
      ),
    templatesExpireAt: time
      .optional()
      .describe(
        'When the last template of a detection expires in Face; absent when nothing was detected lately',
      ),
    erased: z.object({
      blobs: erasedCount,
      faces: erasedCount.describe('Persisted faces in Face'),
      pictures: erasedCount.describe('Image records'),
      faceIds: erasedCount,
      results: erasedCount.describe('Results that were deleted, or no longer name the person'),
    }),
    kept: z.array(kept).describe('What is kept when the state is `removed` or `finished`, and why'),
  })
  .meta({ id: 'Erasure' });

export const imagePath = z.object({ image: z.string().describe('The whole path, container first') });

export const clusterQuery = z.object({ since: findSimilarQuery.shape.since });

const seenFace = z.object({ faceId, image: z.string().optional(), faceRectangle, detectedAt: time });

export const clusterAnswer = z
  .object({
    group: z.string(),
    searched: z.int().describe('How many unknown faces were compared, newest first'),
    truncated: z.boolean().describe('Whether there were more unknown faces'),
    clusters: z
      .array(z.object({ faces: z.array(seenFace) }))
      .describe('Faces that belong together, the largest cluster first'),
    others: z.array(seenFace).describe('Faces that resemble no other'),
  })
  .meta({ id: 'ClusterAnswer' });

export const explanation = z
  .object({
    code,
    status: z.int(),
    retried: z.boolean().describe('Whether the pipeline retries by itself'),
    title: z.string(),
    remedy: z.string(),
  })
  .meta({ id: 'Explanation' });

/** The answer to a change of the settings of a group. */
export const groupPut = group
  .extend({
    lookingAgain: z
      .object({ pictures: z.int(), calls: z.int() })
      .optional()
      .describe(
        'The policy of the group admits more than before: the most rejected images that are checked again, ' +
          'and the most calls to Face that this costs',
      ),
  })
  .meta({ id: 'GroupPut' });

export const redriveQuery = z.object({
  reason: code
    .optional()
    .describe('Only images that failed, or were rejected, for this reason; absent: all images that failed'),
  after: pageQuery.after,
});

export const redriven = z.object({
  redriven: z.int().describe('How many images are processed again'),
  more: z.boolean().describe('Whether there may be more: call again, with next'),
  next: z.string().optional().describe('Pass as after to the next call'),
});

export const accepted = z.object({ group: z.string() });

export const pages = {
  groups: page(groupSettings),
  persons: page(person),
  images: page(imageRecord),
  results: page(result),
};

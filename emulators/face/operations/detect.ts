import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { attributesOf, readAttributes, tenth } from './attributes.ts';
import { faults } from '../faults.ts';
import { readDetectionModel, readRecognitionModel } from './modelNames.ts';
import type { ApiVersion, Operation } from './operations.ts';
import { readPicture } from './pictures.ts';
import { flag, queryOf, readInteger, withoutNull } from '../http/requests.ts';
import { embeddingOf, type AnalyzedFace, type Point, type RecognitionModel, type Wanted } from '../vision.ts';

const facesAtMost = 100;
const lifetime = { least: 60, most: 86_400 };

type DetectQuery = Omit<Wanted, 'recognitionModel'> & {
  recognitionModel: RecognitionModel;
  returnFaceId: boolean;
  returnRecognitionModel: boolean;
  lifetimeMs: number;
};

export const detect: Operation = {
  name: 'detect',
  method: 'POST',
  path: '/detect',
  takesPicture: true,
  async handle(context, request) {
    const { analyze, store, now, attributesRetired } = context;
    const query = readQuery(request, attributesRetired);
    const { recognitionModel, returnFaceId, ...wanted } = query;
    const picture = await readPicture(request, context);
    const { faces } = await analyze(picture, returnFaceId ? query : wanted);
    const expiresAt = now() + query.lifetimeMs;
    const found = faces.slice(0, facesAtMost).map((face) => ({ face, faceId: randomUUID() }));
    if (returnFaceId) {
      store.addDetections(
        found.map(({ face, faceId }) => ({ faceId, recognitionModel, vector: embeddingOf(face), expiresAt })),
      );
    }
    const version = /^\/face\/v1\.0\//i.test(request.url) ? 'v1.0' : 'v1.2';
    return found.map(({ face, faceId }) => viewOf(face, faceId, query, version));
  },
};

function viewOf(face: AnalyzedFace, faceId: string, query: DetectQuery, version: ApiVersion): object {
  // The recognition model belongs to the face ID: without the one there is not the other.
  const withModel = query.returnFaceId && query.returnRecognitionModel;
  return withoutNull({
    faceId: query.returnFaceId ? faceId : null,
    recognitionModel: withModel ? query.recognitionModel : null,
    faceRectangle: face.rectangle,
    faceLandmarks: query.landmarks ? landmarksOf(face) : null,
    faceAttributes: query.attributes.length > 0 ? attributesOf(face, query.attributes, version) : null,
  });
}

function readQuery(request: FastifyRequest, attributesRetired: boolean): DetectQuery {
  const query = queryOf(request);
  const detectionModel = readDetectionModel(query['detectionModel']);
  const recognitionModel = readRecognitionModel(query['recognitionModel']);
  const landmarks = flag(query, 'returnFaceLandmarks', false);
  if (landmarks && detectionModel === 'detection_02') {
    throw faults.badArgument("'returnLandmarks' is not supported by detection_02.");
  }
  const seconds = readInteger(query['faceIdTimeToLive'] ?? String(lifetime.most));
  if (seconds === undefined || seconds < lifetime.least || seconds > lifetime.most) {
    throw faults.badArgument("'faceIdTimeToLive' is invalid.");
  }
  return {
    detectionModel,
    recognitionModel,
    attributes: readAttributes(query['returnFaceAttributes'], {
      detectionModel,
      recognitionModel,
      attributesRetired,
    }),
    returnFaceId: flag(query, 'returnFaceId', true),
    landmarks,
    returnRecognitionModel: flag(query, 'returnRecognitionModel', false),
    lifetimeMs: seconds * 1_000,
  };
}

function landmarksOf({ landmarks }: AnalyzedFace): Record<string, Point> {
  return Object.fromEntries(
    Object.entries(landmarks).map(([name, { x, y }]) => [name, { x: tenth(x), y: tenth(y) }]),
  );
}

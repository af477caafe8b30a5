import { randomUUID } from 'node:crypto';
import { faults } from '../contract/faults.ts';
import {
  requireEmbedding,
  type AnalyzedFace,
  type Point,
  type RecognitionModel,
  type Wanted,
} from '../contract/vision.ts';
import { readAttributes, toAttributesResponse, toTenths } from './attributes.ts';
import { readImage } from './image.ts';
import { readDetectionModel, readRecognitionModel } from './modelNames.ts';
import type { ApiVersion, Call } from './call.ts';
import type { Operation } from './operation.ts';
import { omitNull, readFlag, readInteger } from './parameters.ts';

const maxFaces = 100;
const lifetimeSeconds = { least: 60, most: 86_400 };

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
  takesImage: true,
  async handle(context, call) {
    const { analyze, store, now, attributesRetired } = context;
    const query = readQuery(call, attributesRetired);
    const { recognitionModel, returnFaceId, ...wanted } = query;
    const image = await readImage(call, context);
    const { faces } = await analyze(image, returnFaceId ? query : wanted);
    const expiresAt = now() + query.lifetimeMs;
    const found = faces.slice(0, maxFaces).map((face) => ({ face, faceId: randomUUID() }));
    if (returnFaceId) {
      store.addDetections(
        found.map(({ face, faceId }) => {
          return { faceId, recognitionModel, vector: requireEmbedding(face), expiresAt };
        }),
      );
    }
    return found.map(({ face, faceId }) => toResponse(face, faceId, query, call.version));
  },
};

function toResponse(face: AnalyzedFace, faceId: string, query: DetectQuery, version: ApiVersion): object {
  // Without a face ID there is no recognition model: the model belongs to the ID.
  const withModel = query.returnFaceId && query.returnRecognitionModel;
  const { attributes } = query;
  return omitNull({
    faceId: query.returnFaceId ? faceId : null,
    recognitionModel: withModel ? query.recognitionModel : null,
    faceRectangle: face.rectangle,
    faceLandmarks: query.landmarks ? toLandmarksResponse(face) : null,
    faceAttributes: attributes.length > 0 ? toAttributesResponse(face, attributes, version) : null,
  });
}

function readQuery({ query }: Call, attributesRetired: boolean): DetectQuery {
  const detectionModel = readDetectionModel(query['detectionModel']);
  const recognitionModel = readRecognitionModel(query['recognitionModel']);
  const landmarks = readFlag(query, 'returnFaceLandmarks', false);
  if (landmarks && detectionModel === 'detection_02') {
    throw faults.badArgument("'returnLandmarks' is not supported by detection_02.");
  }
  const { least, most } = lifetimeSeconds;
  const seconds = readInteger(query['faceIdTimeToLive'] ?? String(most));
  if (seconds === undefined || seconds < least || seconds > most) {
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
    returnFaceId: readFlag(query, 'returnFaceId', true),
    landmarks,
    returnRecognitionModel: readFlag(query, 'returnRecognitionModel', false),
    lifetimeMs: seconds * 1_000,
  };
}

function toLandmarksResponse({ landmarks }: AnalyzedFace): Record<string, Point> {
  return Object.fromEntries(
    Object.entries(landmarks).map(([name, { x, y }]) => [name, { x: toTenths(x), y: toTenths(y) }]),
  );
}

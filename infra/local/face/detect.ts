import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { attributesOf, detectionModels, readAttributes, tenth } from './attributes.ts';
import { faults } from './faults.ts';
import type { Operation } from './operations.ts';
import { readPicture } from './pictures.ts';
import { flag, queryOf, withoutNull } from './requests.ts';
import type { AnalyzedFace, Point } from './vision.ts';

export const recognitionModels = ['recognition_01', 'recognition_02', 'recognition_03', 'recognition_04'];
const facesAtMost = 100;
const lifetime = { least: 60, most: 86_400 };

type DetectQuery = {
  recognitionModel: string;
  attributes: string[];
  returnFaceId: boolean;
  landmarks: boolean;
  returnRecognitionModel: boolean;
  lifetimeMs: number;
};

export const detect: Operation = {
  name: 'detect',
  method: 'POST',
  path: '/detect',
  async handle({ analyze, store, now, urlTimeoutMs }, request) {
    const query = readQuery(request);
    const { faces } = await analyze(await readPicture(request, urlTimeoutMs));
    const expiresAt = now() + query.lifetimeMs;
    const found = faces.slice(0, facesAtMost).map((face) => ({ face, faceId: randomUUID() }));
    if (query.returnFaceId) {
      const { recognitionModel } = query;
      store.addDetections(
        found.map(({ face, faceId }) => ({ faceId, recognitionModel, vector: face.embedding, expiresAt })),
      );
    }
    return found.map(({ face, faceId }) => viewOf(face, faceId, query));
  },
};

function viewOf(face: AnalyzedFace, faceId: string, query: DetectQuery): object {
  // The recognition model belongs to the face ID: without the one there is not the other.
  const withModel = query.returnFaceId && query.returnRecognitionModel;
  return withoutNull({
    faceId: query.returnFaceId ? faceId : null,
    recognitionModel: withModel ? query.recognitionModel : null,
    faceRectangle: face.rectangle,
    faceLandmarks: query.landmarks ? landmarksOf(face) : null,
    faceAttributes: query.attributes.length > 0 ? attributesOf(face, query.attributes) : null,
  });
}

function readQuery(request: FastifyRequest): DetectQuery {
  const query = queryOf(request);
  const { recognitionModel = 'recognition_01' } = query;
  const detectionModel = readDetectionModel(query['detectionModel']);
  if (!recognitionModels.includes(recognitionModel))
    throw faults.badArgument("'recognitionModel' is invalid.");
  const landmarks = flag(query, 'returnFaceLandmarks', false);
  if (landmarks && detectionModel === 'detection_02') {
    throw faults.badArgument("'returnLandmarks' is not supported by detection_02.");
  }
  const seconds = Number(query['faceIdTimeToLive'] ?? lifetime.most);
  if (!Number.isInteger(seconds) || seconds < lifetime.least || seconds > lifetime.most) {
    throw faults.badArgument("'faceIdTimeToLive' is invalid.");
  }
  return {
    recognitionModel,
    attributes: readAttributes(query['returnFaceAttributes'], { detectionModel, recognitionModel }),
    returnFaceId: flag(query, 'returnFaceId', true),
    landmarks,
    returnRecognitionModel: flag(query, 'returnRecognitionModel', false),
    lifetimeMs: seconds * 1_000,
  };
}

/** All three are accepted, and are one detector here. */
export function readDetectionModel(detectionModel = 'detection_01'): string {
  if (!detectionModels.includes(detectionModel)) throw faults.badArgument("'detectionModel' is invalid.");
  return detectionModel;
}

function landmarksOf({ landmarks }: AnalyzedFace): Record<string, Point> {
  return Object.fromEntries(
    Object.entries(landmarks).map(([name, { x, y }]) => [name, { x: tenth(x), y: tenth(y) }]),
  );
}

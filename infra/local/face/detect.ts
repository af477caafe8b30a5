import { randomUUID } from 'node:crypto';
import { faults } from './faults.ts';
import { queryOf, type Operation } from './operations.ts';
import { analyze, readPicture } from './pictures.ts';
import type { AnalyzedFace, Point } from './vision.ts';

const detectionModels = ['detection_01', 'detection_02', 'detection_03'];
export const recognitionModels = ['recognition_01', 'recognition_02', 'recognition_03', 'recognition_04'];
const retired = ['age', 'gender', 'smile', 'facialHair', 'emotion', 'hair', 'makeup'];
/** What each detection model supports. */
const supported: Record<string, string[]> = {
  detection_01: [
    ...[
      'accessories',
      'noise',
      'blur',
      'exposure',
      'glasses',
      'headPose',
      'occlusion',
      'qualityForRecognition',
    ],
  ],
  detection_02: [],
  detection_03: ['blur', 'exposure', 'glasses', 'headPose', 'occlusion', 'mask', 'qualityForRecognition'],
};

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
  async handle({ vision, store, now }, request) {
    const query = readQuery(queryOf(request));
    const faces = await analyze(vision, await readPicture(request));
    const at = now();
    return faces.map((face) => {
      const faceId = query.returnFaceId ? randomUUID() : undefined;
      if (faceId !== undefined) {
        store.addDetection(faceId, query.recognitionModel, face.embedding, at + query.lifetimeMs);
      }
      return {
        ...(faceId === undefined ? {} : { faceId }),
        ...(query.returnRecognitionModel ? { recognitionModel: query.recognitionModel } : {}),
        faceRectangle: face.rectangle,
        ...(query.landmarks ? { faceLandmarks: landmarksOf(face) } : {}),
        ...(query.attributes.length > 0 ? { faceAttributes: attributesOf(face, query.attributes) } : {}),
      };
    });
  },
};

function readQuery(query: Record<string, string | undefined>): DetectQuery {
  const { detectionModel = 'detection_01', recognitionModel = 'recognition_01' } = query;
  if (!detectionModels.includes(detectionModel)) throw faults.badArgument("'detectionModel' is invalid.");
  if (!recognitionModels.includes(recognitionModel))
    throw faults.badArgument("'recognitionModel' is invalid.");
  const landmarks = flag(query, 'returnFaceLandmarks', false);
  if (landmarks && detectionModel === 'detection_02') {
    throw faults.badArgument("'returnLandmarks' is not supported by detection_02.");
  }
  const lifetime = Number(query['faceIdTimeToLive'] ?? 86_400);
  if (!Number.isInteger(lifetime) || lifetime < 60 || lifetime > 86_400) {
    throw faults.badArgument("'faceIdTimeToLive' is invalid.");
  }
  return {
    recognitionModel,
    attributes: readAttributes(query['returnFaceAttributes'], detectionModel, recognitionModel),
    returnFaceId: flag(query, 'returnFaceId', true),
    landmarks,
    returnRecognitionModel: flag(query, 'returnRecognitionModel', false),
    lifetimeMs: lifetime * 1_000,
  };
}

function readAttributes(
  text: string | undefined,
  detectionModel: string,
  recognitionModel: string,
): string[] {
  const names = (text ?? '').split(',').map((name) => name.trim());
  const asked = names.filter((name) => name !== '');
  if (asked.some((name) => retired.includes(name))) throw faults.retiredAttributes();
  const known = [...new Set(Object.values(supported).flat())];
  if (asked.some((name) => !known.includes(name)))
    throw faults.badArgument('Invalid argument returnFaceAttributes.');
  if (asked.some((name) => supported[detectionModel]?.includes(name) !== true)) {
    throw faults.badArgument(`'returnFaceAttributes' is not supported by ${detectionModel}.`);
  }
  const judgesQuality = ['recognition_03', 'recognition_04'].includes(recognitionModel);
  if (asked.includes('qualityForRecognition') && !judgesQuality) {
    throw faults.badArgument(`'qualityForRecognition' is not supported by ${recognitionModel}.`);
  }
  return asked;
}

function flag(query: Record<string, string | undefined>, name: string, otherwise: boolean): boolean {
  const value = query[name]?.toLowerCase();
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false') throw faults.badArgument(`'${name}' is invalid.`);
  return value === 'true';
}

/** What the models cannot tell (glasses, occlusion, mask, accessories, noise) is left out, not made up. */
function attributesOf(face: AnalyzedFace, asked: readonly string[]): Record<string, unknown> {
  const { pitch, roll, yaw } = face.headPose;
  const answers: Record<string, unknown> = {
    headPose: { pitch: tenth(pitch), roll: tenth(roll), yaw: tenth(yaw) },
    blur: { ...face.blur, value: hundredth(face.blur.value) },
    exposure: { ...face.exposure, value: hundredth(face.exposure.value) },
    qualityForRecognition: face.qualityForRecognition,
  };
  return Object.fromEntries(asked.filter((name) => name in answers).map((name) => [name, answers[name]]));
}

function landmarksOf({ landmarks }: AnalyzedFace): Record<string, Point> {
  return Object.fromEntries(
    Object.entries(landmarks).map(([name, { x, y }]) => [name, { x: tenth(x), y: tenth(y) }]),
  );
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

import { faults } from './faults.ts';
import type { AnalyzedFace } from './vision.ts';

const retired = ['age', 'gender', 'smile', 'facialHair', 'emotion', 'hair', 'makeup'];

/** What each detection model supports. */
const supported: Record<string, readonly string[]> = {
  detection_01: [
    ...['accessories', 'noise', 'blur', 'exposure', 'glasses', 'headPose', 'occlusion'],
    'qualityForRecognition',
  ],
  detection_02: [],
  detection_03: ['blur', 'exposure', 'glasses', 'headPose', 'occlusion', 'mask', 'qualityForRecognition'],
};
const known = new Set(Object.values(supported).flat());
const judgesQuality = ['recognition_03', 'recognition_04'];

export const detectionModels = Object.keys(supported);

/** The attributes that a call may ask for with these models. @throws FaceFault */
export function readAttributes(
  text: string | undefined,
  models: { detectionModel: string; recognitionModel: string },
): string[] {
  const asked = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (asked.some((name) => retired.includes(name))) throw faults.retiredAttributes();
  if (asked.some((name) => !known.has(name)))
    throw faults.badArgument('Invalid argument returnFaceAttributes.');
  if (asked.some((name) => supported[models.detectionModel]?.includes(name) !== true)) {
    throw faults.badArgument(`'returnFaceAttributes' is not supported by ${models.detectionModel}.`);
  }
  if (asked.includes('qualityForRecognition') && !judgesQuality.includes(models.recognitionModel)) {
    throw faults.badArgument(`'qualityForRecognition' is not supported by ${models.recognitionModel}.`);
  }
  return asked;
}

/**
 * The attributes asked for. What the models cannot tell (accessories, glasses, mask, noise, occlusion) is left out,
 * as the contract does with properties that have no value: asking for it is right, so it is no error.
 */
export function attributesOf(face: AnalyzedFace, asked: readonly string[]): Record<string, unknown> {
  const { pitch, roll, yaw } = face.headPose;
  const answers: Record<string, unknown> = {
    headPose: { pitch: tenth(pitch), roll: tenth(roll), yaw: tenth(yaw) },
    blur: { ...face.blur, value: hundredth(face.blur.value) },
    exposure: { ...face.exposure, value: hundredth(face.exposure.value) },
    qualityForRecognition: face.qualityForRecognition,
  };
  return Object.fromEntries(asked.filter((name) => name in answers).map((name) => [name, answers[name]]));
}

export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

import { faults } from '../faults.ts';
import type { ApiVersion } from './operations.ts';
import type { AnalyzedFace, DetectionModel, RecognitionModel } from '../vision.ts';

const retired = ['age', 'gender', 'smile', 'facialHair', 'emotion', 'hair', 'makeup'];

/** What each detection model supports. */
const supported: Record<DetectionModel, readonly string[]> = {
  detection_01: [
    ...['accessories', 'noise', 'blur', 'exposure', 'glasses', 'headPose', 'occlusion'],
    'qualityForRecognition',
  ],
  detection_02: [],
  detection_03: ['blur', 'exposure', 'glasses', 'headPose', 'occlusion', 'mask', 'qualityForRecognition'],
};
const known = new Set(Object.values(supported).flat());
/** Names are compared without case. */
const spelling = new Map([...known, ...retired].map((name) => [name.toLowerCase(), name]));
const judgesQuality: readonly RecognitionModel[] = ['recognition_03', 'recognition_04'];

export type AskedOf = {
  detectionModel: DetectionModel;
  recognitionModel: RecognitionModel;
  /** Whether the operator wants the retired attributes answered. */
  attributesRetired: boolean;
};

/**
 * The attributes that a call may ask for with these models. Those that Azure has retired can be had back, whatever the
 * detection model, as far as the models can tell them. @throws FaceFault
 */
export function readAttributes(
  text: string | undefined,
  { detectionModel, recognitionModel, attributesRetired }: AskedOf,
): string[] {
  const asked = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => spelling.get(name.toLowerCase()) ?? name);
  const brought = attributesRetired ? retired : [];
  if (!attributesRetired && asked.some((name) => retired.includes(name))) throw faults.retiredAttributes();
  if (asked.some((name) => !known.has(name) && !brought.includes(name))) {
    throw faults.badArgument('Invalid argument returnFaceAttributes.');
  }
  if (asked.some((name) => !supported[detectionModel].includes(name) && !brought.includes(name))) {
    throw faults.badArgument(`'returnFaceAttributes' is not supported by ${detectionModel}.`);
  }
  if (asked.includes('qualityForRecognition') && !judgesQuality.includes(recognitionModel)) {
    throw faults.badArgument(`'qualityForRecognition' is not supported by ${recognitionModel}.`);
  }
  return asked;
}

/** As v1.0 has always spelled them; v1.2 documents the names that our models use. */
const spelledInV1: Record<string, string> = {
  noGlasses: 'NoGlasses',
  readingGlasses: 'ReadingGlasses',
  sunglasses: 'Sunglasses',
  swimmingGoggles: 'SwimmingGoggles',
  headwear: 'headWear',
};

/**
 * The attributes asked for. What the models cannot tell is left out, as the contract does with properties that have
 * no value: asking for it is right, so it is no error.
 */
export function attributesOf(
  face: AnalyzedFace,
  asked: readonly string[],
  version: ApiVersion,
): Record<string, unknown> {
  const spelled = (name: string): string => (version === 'v1.0' ? (spelledInV1[name] ?? name) : name);
  const { pitch, roll, yaw } = face.headPose;
  const answers: Record<string, unknown> = {
    headPose: { pitch: tenth(pitch), roll: tenth(roll), yaw: tenth(yaw) },
    blur: { ...face.blur, value: hundredth(face.blur.value) },
    exposure: { ...face.exposure, value: hundredth(face.exposure.value) },
    noise: face.noise && { ...face.noise, value: hundredth(face.noise.value) },
    glasses: face.glasses && spelled(face.glasses),
    occlusion: face.occlusion,
    accessories: face.accessories?.map(({ type, confidence }) => ({
      type: spelled(type),
      confidence: hundredth(confidence),
    })),
    mask: face.mask,
    qualityForRecognition: face.qualityForRecognition,
    age: face.age === undefined ? undefined : Math.round(face.age),
    gender: face.gender,
    smile: face.smile === undefined ? undefined : thousandth(face.smile),
    emotion:
      face.emotion &&
      Object.fromEntries(Object.entries(face.emotion).map(([name, share]) => [name, thousandth(share)])),
  };
  return Object.fromEntries(
    asked.filter((name) => answers[name] !== undefined).map((name) => [name, answers[name]]),
  );
}

export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100;
}

function thousandth(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

import { faults } from '../contract/faults.ts';
import type { AnalyzedFace, DetectionModel, RecognitionModel } from '../contract/vision.ts';
import type { ApiVersion } from './call.ts';

const retired = ['age', 'gender', 'smile', 'facialHair', 'emotion', 'hair', 'makeup'];

/** Attributes by detection model. */
const supported: Record<DetectionModel, readonly string[]> = {
  detection_01: [
    ...['accessories', 'noise', 'blur', 'exposure', 'glasses', 'headPose', 'occlusion'],
    'qualityForRecognition',
  ],
  detection_02: [],
  detection_03: ['blur', 'exposure', 'glasses', 'headPose', 'occlusion', 'mask', 'qualityForRecognition'],
};
const known = new Set(Object.values(supported).flat());
/** The spelling of each name by its lower case: names in the query are case-insensitive. */
const spelling = new Map([...known, ...retired].map((name) => [name.toLowerCase(), name]));
const modelsWithQuality: readonly RecognitionModel[] = ['recognition_03', 'recognition_04'];

export type AttributeOptions = {
  detectionModel: DetectionModel;
  recognitionModel: RecognitionModel;
  /** The operator allows the retired attributes. */
  attributesRetired: boolean;
};

/**
 * The names in `returnFaceAttributes`. The attributes that Azure has retired are allowed with every detection model if
 * `attributesRetired` is set. @throws FaceFault for a name that the models do not support
 */
export function readAttributes(
  text: string | undefined,
  { detectionModel, recognitionModel, attributesRetired }: AttributeOptions,
): string[] {
  const asked = (text ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .map((name) => spelling.get(name.toLowerCase()) ?? name);
  const allowedRetired = attributesRetired ? retired : [];
  if (!attributesRetired && asked.some((name) => retired.includes(name))) throw faults.retiredAttributes();
  if (asked.some((name) => !known.has(name) && !allowedRetired.includes(name))) {
    throw faults.badArgument('Invalid argument returnFaceAttributes.');
  }
  if (asked.some((name) => !supported[detectionModel].includes(name) && !allowedRetired.includes(name))) {
    throw faults.badArgument(`'returnFaceAttributes' is not supported by ${detectionModel}.`);
  }
  if (asked.includes('qualityForRecognition') && !modelsWithQuality.includes(recognitionModel)) {
    throw faults.badArgument(`'qualityForRecognition' is not supported by ${recognitionModel}.`);
  }
  return asked;
}

/** The values of v1.0, which spells them differently from v1.2. The models use the names of v1.2. */
const spelledInV1: Record<string, string> = {
  noGlasses: 'NoGlasses',
  readingGlasses: 'ReadingGlasses',
  sunglasses: 'Sunglasses',
  swimmingGoggles: 'SwimmingGoggles',
  headwear: 'headWear',
};

/**
 * The requested attributes. An attribute that the models cannot tell is left out, like any property without a value in
 * the Face API, since requesting it is no error.
 */
export function toAttributesResponse(
  face: AnalyzedFace,
  asked: readonly string[],
  version: ApiVersion,
): Record<string, unknown> {
  const spelled = (name: string): string => (version === 'v1.0' ? (spelledInV1[name] ?? name) : name);
  const { pitch, roll, yaw } = face.headPose;
  const answers: Record<string, unknown> = {
    headPose: { pitch: toTenths(pitch), roll: toTenths(roll), yaw: toTenths(yaw) },
    blur: { ...face.blur, value: toHundredths(face.blur.value) },
    exposure: { ...face.exposure, value: toHundredths(face.exposure.value) },
    noise: face.noise && { ...face.noise, value: toHundredths(face.noise.value) },
    glasses: face.glasses && spelled(face.glasses),
    occlusion: face.occlusion,
    accessories: face.accessories?.map(({ type, confidence }) => ({
      type: spelled(type),
      confidence: toHundredths(confidence),
    })),
    mask: face.mask,
    qualityForRecognition: face.qualityForRecognition,
    age: face.age === undefined ? undefined : Math.round(face.age),
    gender: face.gender,
    smile: face.smile === undefined ? undefined : toThousandths(face.smile),
    emotion:
      face.emotion &&
      Object.fromEntries(Object.entries(face.emotion).map(([name, share]) => [name, toThousandths(share)])),
  };
  return Object.fromEntries(
    asked.filter((name) => answers[name] !== undefined).map((name) => [name, answers[name]]),
  );
}

export function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}

function toHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

function toThousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

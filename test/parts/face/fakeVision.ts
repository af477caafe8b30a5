import { createHash } from 'node:crypto';
import { computeConfidence } from '../../../emulators/face/models/confidence.ts';
import {
  ImageRefused,
  type AnalyzedFace,
  type RecognitionModel,
  type Wanted,
  type Rectangle,
  type Vision,
} from '../../../emulators/face/contract/vision.ts';

/*
 * Stands in for the models where a test is about the contract only: pictures say in JSON whose faces are on them.
 * Whether faces are found and told apart is tested with the real models (`contract.test.ts`, `restart.test.ts`).
 */

/** The points of the Face API. */
export const landmarkNames = [
  ...[
    'pupilLeft',
    'pupilRight',
    'noseTip',
    'mouthLeft',
    'mouthRight',
    'eyebrowLeftOuter',
    'eyebrowLeftInner',
  ],
  ...[
    'eyeLeftOuter',
    'eyeLeftTop',
    'eyeLeftBottom',
    'eyeLeftInner',
    'eyebrowRightInner',
    'eyebrowRightOuter',
  ],
  ...['eyeRightInner', 'eyeRightTop', 'eyeRightBottom', 'eyeRightOuter', 'noseRootLeft', 'noseRootRight'],
  ...['noseLeftAlarTop', 'noseRightAlarTop', 'noseLeftAlarOutTip', 'noseRightAlarOutTip', 'upperLipTop'],
  ...['upperLipBottom', 'underLipTop', 'underLipBottom'],
];

export type FakeFace = { who: string; rectangle?: Rectangle };
type FakePicture = { faces: FakeFace[]; width: number; height: number };

/** A picture in a format that only the fake reads, with the signature of a BMP and its smallest size. */
export function picture(...who: (string | FakeFace)[]): Buffer {
  const faces = who.map((face) => (typeof face === 'string' ? { who: face } : face));
  const text = JSON.stringify({ faces, width: 1_000, height: 500 } satisfies FakePicture);
  return Buffer.from(`BM${text.padEnd(1_100)}`);
}

export type FakeVision = Vision & {
  /** While set, `analyze` waits for it. */
  hold: Promise<void> | undefined;
  /** Most pictures that were analysed at a time. */
  atOnce(): number;
};

export function createFakeVision(): FakeVision {
  let underWay = 0;
  let most = 0;
  return {
    hold: undefined,
    atOnce: () => most,
    async analyze(image, wanted) {
      underWay += 1;
      most = Math.max(most, underWay);
      await this.hold;
      underWay -= 1;
      const { faces, width, height } = read(image);
      return {
        width,
        height,
        faces: faces.map((face, index) => faceOf(face, index, wanted)),
      };
    },
    confidence: computeConfidence,
    close: async () => undefined,
  };
}

function read(image: Uint8Array): FakePicture {
  try {
    return JSON.parse(Buffer.from(image).toString('utf8').slice(2)) as FakePicture;
  } catch {
    throw new ImageRefused('not_decodable', 'not a fake picture');
  }
}

function faceOf(
  { who, rectangle }: FakeFace,
  index: number,
  { recognitionModel, attributes }: Wanted,
): AnalyzedFace {
  return {
    rectangle: rectangle ?? { left: 10 + 200 * index, top: 10, width: 100, height: 120 },
    score: 1,
    landmarks: Object.fromEntries(landmarkNames.map((name) => [name, { x: 1.26, y: 2 }])),
    headPose: { pitch: 1.26, roll: -2.34, yaw: 0 },
    blur: { blurLevel: 'low', value: 0.123 },
    exposure: { exposureLevel: 'goodExposure', value: 0.5 },
    ...(attributes.includes('qualityForRecognition') ? { qualityForRecognition: 'high' } : {}),
    ...(recognitionModel === undefined ? {} : { embedding: embeddingOf(who, recognitionModel) }),
  };
}

/** The same for the same name, far from any other. The vectors of the first model are shorter. */
export function embeddingOf(who: string, model: RecognitionModel = 'recognition_04'): Float32Array {
  const parts = model === 'recognition_01' ? [0, 1] : [0, 1, 2, 3];
  const bytes = parts.flatMap((part) => [...createHash('sha512').update(`${part}${who}`).digest()]);
  const vector = Float32Array.from(bytes, (byte) => byte - 127.5);
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

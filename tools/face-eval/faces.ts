import { readFile } from 'node:fs/promises';
import { requireEmbedding, type AnalyzedFace, type Wanted } from '../../emulators/face/contract/vision.ts';
import { analyzeImage } from '../../emulators/face/models/analyze.ts';
import { withImage } from '../../emulators/face/models/image/pyramid.ts';
import { computeEmbedding } from '../../emulators/face/models/recognition.ts';
import { alignFace } from '../../emulators/face/models/alignedFace.ts';
import type { Networks } from '../../emulators/face/models/sessions.ts';
import type { LabelledPicture } from './pictures.ts';

/** The models that differ: 02 is 01, and 03 is 04. */
export const comparedModels = ['recognition_01', 'recognition_04'] as const;
export type ComparedModel = (typeof comparedModels)[number];

export type LabelledFace = {
  /** A spoilt copy has the name of the picture that it was made from. */
  image: string;
  person: string;
  quality: NonNullable<AnalyzedFace['qualityForRecognition']>;
  vectors: Record<ComparedModel, Float32Array>;
};

export type LookedAt = {
  faces: LabelledFace[];
  /** Pictures on which no face was found. */
  missed: string[];
  /** Milliseconds a picture from its bytes to the answer for recognition_04, on one thread. */
  timesMs: number[];
};

export const detectOnly: Wanted = { detectionModel: 'detection_03', landmarks: false, attributes: [] };
const toRecognise: Wanted = {
  ...detectOnly,
  recognitionModel: 'recognition_04',
  attributes: ['qualityForRecognition'],
};

/** The face in the middle of each picture: the person is there, others stand around. */
export async function lookAtAll(networks: Networks, pictures: readonly LabelledPicture[]): Promise<LookedAt> {
  const found: LookedAt = { faces: [], missed: [], timesMs: [] };
  for (const [index, picture] of pictures.entries()) {
    const { image, person } = picture;
    const bytes = await (picture.bytes?.() ?? readFile(picture.file));
    const startedAt = performance.now();
    const { faces, width } = await analyzeImage(networks, bytes, toRecognise);
    found.timesMs.push(performance.now() - startedAt);
    const fromMiddle = ({ rectangle: { left, width: wide } }: AnalyzedFace) =>
      Math.abs(left + wide / 2 - width / 2);
    const [face] = faces.toSorted((a, b) => fromMiddle(a) - fromMiddle(b));
    if (face?.qualityForRecognition === undefined) {
      found.missed.push(image);
      continue;
    }
    const recognition01 = await withImage(bytes, async (opened) => {
      const aligned = alignFace(networks.embedding, opened, fivePoints(face));
      return computeEmbedding(networks, opened, aligned, 'recognition_01');
    });
    found.faces.push({
      image,
      person,
      quality: face.qualityForRecognition,
      vectors: {
        recognition_01: recognition01,
        recognition_04: requireEmbedding(face),
      },
    });
    if (index % 50 === 0) process.stderr.write(`\r${index + 1} of ${pictures.length} pictures `);
  }
  process.stderr.write('\r'.padEnd(40) + '\r');
  return found;
}

export function fivePoints({ landmarks }: AnalyzedFace) {
  return ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'].map((name) => {
    const point = landmarks[name];
    if (point === undefined) throw new Error(`the face has no ${name}`);
    return point;
  });
}

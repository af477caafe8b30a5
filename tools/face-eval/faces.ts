import { readFile } from 'node:fs/promises';
import { requireEmbedding, type AnalyzedFace, type Wanted } from '../../emulators/face/contract/vision.ts';
import { analyzeImage } from '../../emulators/face/models/analyze.ts';
import { withImage } from '../../emulators/face/models/image/pyramid.ts';
import { computeEmbedding } from '../../emulators/face/models/recognition.ts';
import { alignFace } from '../../emulators/face/models/alignedFace.ts';
import type { Networks } from '../../emulators/face/models/sessions.ts';
import type { LabelledImage } from './images.ts';

/** 02 has the vectors of 01, and 03 those of 04. */
export const comparedModels = ['recognition_01', 'recognition_04'] as const;
export type ComparedModel = (typeof comparedModels)[number];

export type LabelledFace = {
  /** A degraded copy has the name of its original. */
  image: string;
  person: string;
  quality: NonNullable<AnalyzedFace['qualityForRecognition']>;
  vectors: Record<ComparedModel, Float32Array>;
};

export type AnalyzedImages = {
  faces: LabelledFace[];
  /** Images without a detected face. */
  missed: string[];
  /** Milliseconds per image from its bytes to the result for recognition_04, on one thread. */
  timesMs: number[];
};

export const detectOnly: Wanted = { detectionModel: 'detection_03', landmarks: false, attributes: [] };
const toRecognise: Wanted = {
  ...detectOnly,
  recognitionModel: 'recognition_04',
  attributes: ['qualityForRecognition'],
};

/** Analyses the face closest to the middle of each image, since bystanders may be beside the person. */
export async function analyzeAll(
  networks: Networks,
  images: readonly LabelledImage[],
): Promise<AnalyzedImages> {
  const results: AnalyzedImages = { faces: [], missed: [], timesMs: [] };
  for (const [index, labelled] of images.entries()) {
    const { image, person } = labelled;
    const bytes = await (labelled.bytes?.() ?? readFile(labelled.file));
    const startedAt = performance.now();
    const { faces, width } = await analyzeImage(networks, bytes, toRecognise);
    results.timesMs.push(performance.now() - startedAt);
    const fromMiddle = ({ rectangle: { left, width: wide } }: AnalyzedFace) =>
      Math.abs(left + wide / 2 - width / 2);
    const [face] = faces.toSorted((a, b) => fromMiddle(a) - fromMiddle(b));
    if (face?.qualityForRecognition === undefined) {
      results.missed.push(image);
      continue;
    }
    const recognition01 = await withImage(bytes, async (opened) => {
      const aligned = alignFace(networks.embedding, opened, fivePoints(face));
      return computeEmbedding(networks, opened, aligned, 'recognition_01');
    });
    results.faces.push({
      image,
      person,
      quality: face.qualityForRecognition,
      vectors: {
        recognition_01: recognition01,
        recognition_04: requireEmbedding(face),
      },
    });
    if (index % 50 === 0) process.stderr.write(`\r${index + 1} of ${images.length} images `);
  }
  process.stderr.write('\r'.padEnd(40) + '\r');
  return results;
}

export function fivePoints({ landmarks }: AnalyzedFace) {
  return ['pupilLeft', 'pupilRight', 'noseTip', 'mouthLeft', 'mouthRight'].map((name) => {
    const point = landmarks[name];
    if (point === undefined) throw new Error(`the face has no ${name}`);
    return point;
  });
}

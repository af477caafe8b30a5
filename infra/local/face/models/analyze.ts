import type { AnalyzedFace, AnalyzedImage } from '../vision.ts';
import { attributesOf } from './attributes.ts';
import type { Box } from './boxes.ts';
import { detectFaces, type FoundFace, type Picture } from './detectFaces.ts';
import { decode, resize } from './image.ts';
import { landmarksOf } from './landmarks.ts';
import type { Networks } from './sessions.ts';

/** Limits of the Face API: 36 pixels up to 1920 × 1080 and in proportion above; at most 100 faces. */
const smallestFace = 36;
const largestSide = 1_920;
const facesAtMost = 100;

/** Finds and describes every face of an encoded picture. @throws ImageRefused */
export async function analyzeImage(networks: Networks, bytes: Uint8Array): Promise<AnalyzedImage> {
  const original = await decode(bytes);
  const { width, height } = original;
  const shrink = Math.min(1, largestSide / Math.max(width, height));
  const size = [Math.round(width * shrink), Math.round(height * shrink)].map((side) => Math.max(1, side));
  const [copyWidth = 1, copyHeight = 1] = size;
  const copy = shrink === 1 ? original : await resize(original, copyWidth, copyHeight);
  const picture = { original, copy };
  const found = await detectFaces(networks, picture, { smallest: smallestFace, most: facesAtMost });
  const faces = found.map((face) => describe(picture, face));
  return { width, height, faces: faces.toSorted((a, b) => area(b) - area(a)) };
}

function describe({ original, copy }: Picture, face: FoundFace): AnalyzedFace {
  const enlarge = original.width / copy.width;
  const points = face.points.map(({ x, y }) => ({ x: x * enlarge, y: y * enlarge }));
  const { vector, norm, aligned, toPicture } = face.embedding;
  const width = (face.x2 - face.x1) * enlarge;
  return {
    rectangle: rectangleOf(face, enlarge, original),
    score: face.score,
    landmarks: landmarksOf(points, toPicture),
    ...attributesOf({ points, aligned, norm, width, score: face.score }),
    embedding: vector,
  };
}

/** Whole pixels inside the picture. */
function rectangleOf(
  { x1, y1, x2, y2 }: Box,
  enlarge: number,
  { width, height }: { width: number; height: number },
) {
  const left = Math.min(width - 1, Math.max(0, Math.round(x1 * enlarge)));
  const top = Math.min(height - 1, Math.max(0, Math.round(y1 * enlarge)));
  return {
    left,
    top,
    width: Math.max(1, Math.min(width, Math.round(x2 * enlarge)) - left),
    height: Math.max(1, Math.min(height, Math.round(y2 * enlarge)) - top),
  };
}

function area({ rectangle }: AnalyzedFace): number {
  return rectangle.width * rectangle.height;
}

import type { AnalyzedFace, AnalyzedImage } from '../vision.ts';
import { attributesOf } from './attributes.ts';
import { detectByBlazeFace } from './blazeFace.ts';
import { overlap } from './boxes.ts';
import { embed } from './embed.ts';
import { decode, resize, type Pixels } from './image.ts';
import { landmarksOf } from './landmarks.ts';
import { detectByMtcnn, type DetectedFace } from './mtcnn.ts';
import type { Networks } from './sessions.ts';

/** Limits of the Face API: 36 pixels up to 1920 × 1080 and in proportion above; at most 100 faces. */
const smallestFace = 36;
const largestSide = 1_920;
const facesAtMost = 100;

// Sure by itself, or confirmed by the second detector: drawings, masks and textures are what falls in between.
const sure = 0.9;
const confirmedBy = 0.4;

/** Finds and describes every face of an encoded picture. @throws ImageRefused */
export async function analyzeImage(networks: Networks, bytes: Uint8Array): Promise<AnalyzedImage> {
  const original = await decode(bytes);
  const shrink = Math.min(1, largestSide / Math.max(original.width, original.height));
  const image =
    shrink === 1
      ? original
      : await resize(original, Math.round(original.width * shrink), Math.round(original.height * shrink));
  const detected = await detectFaces(networks, image);
  const faces: AnalyzedFace[] = [];
  for (const face of detected) faces.push(await describe(networks, image, face, original));
  return {
    width: original.width,
    height: original.height,
    faces: faces.toSorted((a, b) => area(b) - area(a)),
  };
}

async function detectFaces(networks: Networks, image: Pixels): Promise<DetectedFace[]> {
  const found = await detectByMtcnn(networks, image, smallestFace);
  const large = found.filter((face) => Math.min(face.x2 - face.x1, face.y2 - face.y1) >= smallestFace * 0.9);
  if (large.every(({ score }) => score >= sure)) return large.slice(0, facesAtMost);
  const confirming = (await detectByBlazeFace(networks.second, image)).filter(
    ({ score }) => score >= confirmedBy,
  );
  const isReal = (face: DetectedFace) =>
    face.score >= sure || confirming.some((other) => overlap(face, other, 'smaller') > 0.5);
  return large.filter(isReal).slice(0, facesAtMost);
}

async function describe(
  networks: Networks,
  image: Pixels,
  face: DetectedFace,
  original: { width: number; height: number },
): Promise<AnalyzedFace> {
  const { vector, norm, aligned, toPicture } = await embed(networks.embedding, image, face.points);
  const enlarge = original.width / image.width;
  const inOriginal = ({ x, y }: { x: number; y: number }) => ({ x: x * enlarge, y: y * enlarge });
  const landmarks = landmarksOf(face.points, toPicture);
  return {
    rectangle: rectangleOf(face, enlarge, original),
    score: face.score,
    landmarks: Object.fromEntries(
      Object.entries(landmarks).map(([name, point]) => [name, inOriginal(point)]),
    ),
    ...attributesOf({ points: face.points, aligned, norm, width: face.x2 - face.x1, score: face.score }),
    embedding: vector,
  };
}

/** Whole pixels inside the picture. */
function rectangleOf(
  { x1, y1, x2, y2 }: DetectedFace,
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

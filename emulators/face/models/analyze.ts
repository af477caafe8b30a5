import type { AnalyzedFace, AnalyzedImage, Wanted } from '../contract/vision.ts';
import { measureAttributes, judgeQuality } from './attributes.ts';
import { detectFaces, type FoundFace } from './detectFaces.ts';
import { withImage, type ImagePyramid } from './image/pyramid.ts';
import { toFiveLandmarks, toLandmarks } from './landmarks.ts';
import { estimateGaze, computeMesh } from './mesh.ts';
import { computeEmbedding } from './recognition.ts';
import { toRectangle } from './rectangle.ts';
import type { Networks } from './sessions.ts';
import { estimateOptionalAttributes } from './optionalAttributes.ts';

/** Limits of the Face API: faces of 36 pixels, more in images above 1920 × 1080 pixels; at most 100 faces. */
const smallestFace = 36;
const largestSide = 1_920;
const maxFaces = 100;

/** Finds and describes every face of an encoded image. @throws ImageRefused */
export function analyzeImage(networks: Networks, bytes: Uint8Array, wanted: Wanted): Promise<AnalyzedImage> {
  return withImage(bytes, async (image) => {
    const { width, height } = image;
    const faces: AnalyzedFace[] = [];
    for (const face of await detectWithinLimits(networks, image)) {
      faces.push(await describe(networks, image, face, wanted));
    }
    return { width, height, faces: faces.toSorted((a, b) => area(b) - area(a)) };
  });
}

/** Finds the faces that are within the limits of the Face API. */
export function detectWithinLimits(networks: Networks, image: ImagePyramid): Promise<FoundFace[]> {
  const { width, height } = image;
  const smallest = smallestFace * Math.max(1, Math.max(width, height) / largestSide);
  return detectFaces(networks, image, { smallest, most: maxFaces });
}

async function describe(
  networks: Networks,
  image: ImagePyramid,
  face: FoundFace,
  wanted: Wanted,
): Promise<AnalyzedFace> {
  const { points, score, aligned } = face;
  const { detectionModel, recognitionModel, attributes: asked } = wanted;
  const width = face.x2 - face.x1;
  const attributes = measureAttributes({ points, pixels: aligned.pixels, width });
  const needsMesh = wanted.landmarks || asked.includes('headPose');
  const mesh = needsMesh ? await computeMesh(await networks.mesh(), image, face) : undefined;
  const described: AnalyzedFace = {
    rectangle: toRectangle(face, detectionModel, image),
    score,
    landmarks: mesh === undefined ? toFiveLandmarks(points) : toLandmarks(points, mesh),
    ...attributes,
    headPose: { ...attributes.headPose, ...(mesh !== undefined && estimateGaze(mesh)) },
    ...(await estimateOptionalAttributes(networks, image, face, asked)),
  };
  if (asked.includes('qualityForRecognition')) {
    described.qualityForRecognition = judgeQuality(attributes, { norm: await aligned.norm(), width, score });
  }
  if (recognitionModel !== undefined) {
    described.embedding = await computeEmbedding(networks, image, aligned, recognitionModel);
  }
  return described;
}

function area({ rectangle }: AnalyzedFace): number {
  return rectangle.width * rectangle.height;
}

import type { AnalyzedFace, AnalyzedImage, Wanted } from '../contract/vision.ts';
import { attributesOf, qualityOf } from './attributes.ts';
import { detectFaces, type FoundFace } from './detectFaces.ts';
import { withPicture, type Picture } from './image/picture.ts';
import { fiveLandmarksOf, landmarksOf } from './landmarks.ts';
import { gazeOf, meshOf } from './mesh.ts';
import { recognise } from './recognition.ts';
import { rectangleOf } from './rectangle.ts';
import type { Networks } from './sessions.ts';
import { unsureAttributesOf } from './unsure.ts';

/** Limits of the Face API: 36 pixels up to 1920 × 1080 and in proportion above; at most 100 faces. */
const smallestFace = 36;
const largestSide = 1_920;
const facesAtMost = 100;

/** Finds and describes every face of an encoded picture. @throws ImageRefused */
export function analyzeImage(networks: Networks, bytes: Uint8Array, wanted: Wanted): Promise<AnalyzedImage> {
  return withPicture(bytes, async (picture) => {
    const { width, height } = picture;
    const faces: AnalyzedFace[] = [];
    for (const face of await facesOn(networks, picture)) {
      faces.push(await describe(networks, picture, face, wanted));
    }
    return { width, height, faces: faces.toSorted((a, b) => area(b) - area(a)) };
  });
}

/** The faces of a picture that are within the limits. */
export function facesOn(networks: Networks, picture: Picture): Promise<FoundFace[]> {
  const { width, height } = picture;
  const smallest = smallestFace * Math.max(1, Math.max(width, height) / largestSide);
  return detectFaces(networks, picture, { smallest, most: facesAtMost });
}

async function describe(
  networks: Networks,
  picture: Picture,
  face: FoundFace,
  wanted: Wanted,
): Promise<AnalyzedFace> {
  const { points, score, look } = face;
  const { detectionModel, recognitionModel, attributes: asked } = wanted;
  const width = face.x2 - face.x1;
  const attributes = attributesOf({ points, aligned: look.aligned, width });
  const needsMesh = wanted.landmarks || asked.includes('headPose');
  const mesh = needsMesh ? await meshOf(await networks.mesh(), picture, face) : undefined;
  const described: AnalyzedFace = {
    rectangle: rectangleOf(face, detectionModel, picture),
    score,
    landmarks: mesh === undefined ? fiveLandmarksOf(points) : landmarksOf(points, mesh),
    ...attributes,
    headPose: { ...attributes.headPose, ...(mesh === undefined ? {} : gazeOf(mesh)) },
    ...(await unsureAttributesOf(networks, picture, face, asked)),
  };
  if (asked.includes('qualityForRecognition')) {
    described.qualityForRecognition = qualityOf(attributes, { norm: await look.norm(), width, score });
  }
  if (recognitionModel !== undefined) {
    described.embedding = await recognise(networks, picture, look, recognitionModel);
  }
  return described;
}

function area({ rectangle }: AnalyzedFace): number {
  return rectangle.width * rectangle.height;
}

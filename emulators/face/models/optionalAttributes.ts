import type { OptionalAttributes } from '../contract/vision.ts';
import type { FoundFace } from './detectFaces.ts';
import { estimateEmotion } from './expression.ts';
import { computeFaceFeatures } from './faceFeatures.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { toNoiseAttribute, measureNoise } from './noise.ts';
import type { Networks } from './sessions.ts';
import { judgeCoverings } from './coverings.ts';

const fromFeatures = ['glasses', 'occlusion', 'accessories', 'mask', 'age', 'gender'];
const fromExpression = ['smile', 'emotion'];

/** The requested attributes that take a network or a crop of their own. */
export async function estimateOptionalAttributes(
  networks: Networks,
  image: ImagePyramid,
  face: FoundFace,
  asked: readonly string[],
): Promise<Partial<OptionalAttributes>> {
  const isRequested = (names: readonly string[]) => names.some((name) => asked.includes(name));
  const estimated: Partial<OptionalAttributes> = {
    ...(isRequested(['noise']) && { noise: toNoiseAttribute(measureNoise(image, face)) }),
    ...(isRequested(fromFeatures) && (await estimateFromFeatures(networks, image, face))),
    ...(isRequested(fromExpression) && (await estimateFromExpression(networks, image, face))),
  };
  // A network tells more attributes than were requested.
  return Object.fromEntries(Object.entries(estimated).filter(([name]) => asked.includes(name)));
}

async function estimateFromFeatures(networks: Networks, image: ImagePyramid, face: FoundFace) {
  const { features, age, male } = await computeFaceFeatures(await networks.faceFeatures(), image, face);
  const gender: OptionalAttributes['gender'] = male >= 0.5 ? 'male' : 'female';
  return { ...judgeCoverings(features, await networks.heads()), age, gender };
}

async function estimateFromExpression(networks: Networks, image: ImagePyramid, face: FoundFace) {
  const emotion = await estimateEmotion(await networks.expression(), image, face);
  return { emotion, smile: emotion['happiness'] ?? 0 };
}

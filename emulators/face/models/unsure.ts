import type { UnsureAttributes } from '../contract/vision.ts';
import type { FoundFace } from './detectFaces.ts';
import { emotionOf } from './expression.ts';
import { faceFeaturesOf } from './faceFeatures.ts';
import type { Picture } from './image/picture.ts';
import { levelOfNoise, noiseOf } from './noise.ts';
import type { Networks } from './sessions.ts';
import { wornBy } from './worn.ts';

const fromFeatures = ['glasses', 'occlusion', 'accessories', 'mask', 'age', 'gender'];
const fromExpression = ['smile', 'emotion'];

/** The attributes asked for that take a network or a look of their own. */
export async function unsureAttributesOf(
  networks: Networks,
  picture: Picture,
  face: FoundFace,
  asked: readonly string[],
): Promise<Partial<UnsureAttributes>> {
  const isAsked = (names: readonly string[]) => names.some((name) => asked.includes(name));
  const seen: Partial<UnsureAttributes> = {
    ...(isAsked(['noise']) ? { noise: levelOfNoise(noiseOf(picture, face)) } : {}),
    ...(isAsked(fromFeatures) ? await seenInFeatures(networks, picture, face) : {}),
    ...(isAsked(fromExpression) ? await seenInExpression(networks, picture, face) : {}),
  };
  // A network sees more than was asked for: nobody is told.
  return Object.fromEntries(Object.entries(seen).filter(([name]) => asked.includes(name)));
}

async function seenInFeatures(networks: Networks, picture: Picture, face: FoundFace) {
  const { features, age, male } = await faceFeaturesOf(await networks.faceFeatures(), picture, face);
  const gender: UnsureAttributes['gender'] = male >= 0.5 ? 'male' : 'female';
  return { ...wornBy(features, await networks.heads()), age, gender };
}

async function seenInExpression(networks: Networks, picture: Picture, face: FoundFace) {
  const emotion = await emotionOf(await networks.expression(), picture, face);
  return { emotion, smile: emotion['happiness'] ?? 0 };
}

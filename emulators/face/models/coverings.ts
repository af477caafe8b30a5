import type { OptionalAttributes } from '../contract/vision.ts';
import { computeProbability, type Head, type HeadName } from './heads.ts';

export type Coverings = Pick<OptionalAttributes, 'glasses' | 'mask' | 'occlusion' | 'accessories'>;

/** From this probability on an attribute is reported. */
const likely = 0.5;
/** Between these probabilities a mask is reported as uncertain. */
const mask = { no: 0.3, yes: 0.7 };

/** What a face wears and which parts are covered, according to the heads, which cannot tell goggles from glasses. */
export function judgeCoverings(features: Float32Array, heads: Record<HeadName, Head>): Coverings {
  const probability = (name: HeadName) => computeProbability(heads[name], features);
  const [glasses, sun, masked, headwear] = [
    probability('glasses'),
    probability('sunglasses'),
    probability('mask'),
    probability('headwear'),
  ];
  const mouthOccluded = probability('mouth') >= likely;
  const wears = [
    { type: 'headwear', confidence: headwear },
    { type: 'glasses', confidence: Math.max(glasses, sun) },
    { type: 'mask', confidence: masked },
  ] as const;
  return {
    glasses: sun >= likely ? 'sunglasses' : glasses >= likely ? 'readingGlasses' : 'noGlasses',
    mask: toMask(masked, mouthOccluded),
    occlusion: {
      foreheadOccluded: probability('forehead') >= likely,
      eyeOccluded: probability('eyes') >= likely,
      mouthOccluded,
    },
    accessories: wears.filter(({ confidence }) => confidence >= likely),
  };
}

function toMask(masked: number, mouthOccluded: boolean): Coverings['mask'] {
  if (masked >= mask.yes) return { type: 'faceMask', noseAndMouthCovered: true };
  if (mouthOccluded) return { type: 'otherMaskOrOcclusion', noseAndMouthCovered: false };
  return { type: masked <= mask.no ? 'noMask' : 'uncertain', noseAndMouthCovered: false };
}

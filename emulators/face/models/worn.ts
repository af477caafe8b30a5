import type { UnsureAttributes } from '../contract/vision.ts';
import { likelihood, type Head, type HeadName } from './heads.ts';

export type Worn = Pick<UnsureAttributes, 'glasses' | 'mask' | 'occlusion' | 'accessories'>;

/** From here on a head is believed; between the two it does not know. */
const sure = 0.5;
const surelyMasked = 0.7;
const surelyNot = 0.3;

/** What a face wears and what of it is covered, by the heads. Goggles are not told from glasses. */
export function wornBy(features: Float32Array, heads: Record<HeadName, Head>): Worn {
  const says = (name: HeadName) => likelihood(heads[name], features);
  const [glasses, sun, mask, headwear] = [
    says('glasses'),
    says('sunglasses'),
    says('mask'),
    says('headwear'),
  ];
  const mouthOccluded = says('mouth') >= sure;
  const wears = [
    { type: 'headwear', confidence: headwear },
    { type: 'glasses', confidence: Math.max(glasses, sun) },
    { type: 'mask', confidence: mask },
  ] as const;
  return {
    glasses: sun >= sure ? 'sunglasses' : glasses >= sure ? 'readingGlasses' : 'noGlasses',
    mask: maskOf(mask, mouthOccluded),
    occlusion: {
      foreheadOccluded: says('forehead') >= sure,
      eyeOccluded: says('eyes') >= sure,
      mouthOccluded,
    },
    accessories: wears.filter(({ confidence }) => confidence >= sure),
  };
}

function maskOf(mask: number, mouthOccluded: boolean): Worn['mask'] {
  if (mask >= surelyMasked) return { type: 'faceMask', noseAndMouthCovered: true };
  if (mouthOccluded) return { type: 'otherMaskOrOcclusion', noseAndMouthCovered: false };
  return { type: mask <= surelyNot ? 'noMask' : 'uncertain', noseAndMouthCovered: false };
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/*
 * Linear heads over the features of faceres, each of which tells one attribute: glasses, a mask, headwear, or a covered
 * part of the face. `npm run train-heads` trains the heads; its source documents the training data.
 */

export const headNames = ['glasses', 'sunglasses', 'headwear', 'mask', 'eyes', 'mouth', 'forehead'] as const;
export type HeadName = (typeof headNames)[number];

/** Index and value of each weight. Most weights are 0 and left out. */
const head = z.object({ bias: z.number(), weights: z.array(z.tuple([z.number().int(), z.number()])) });
export type Head = z.output<typeof head>;

export const headsFile = join(import.meta.dirname, 'heads.json');

export function readHeads(): Record<HeadName, Head> {
  return z.record(z.enum(headNames), head).parse(JSON.parse(readFileSync(headsFile, 'utf8')));
}

/** Probability (0 to 1), according to this head, that the face has its attribute. */
export function computeProbability({ bias, weights }: Head, features: Float32Array): number {
  const sum = weights.reduce((total, [index, weight]) => total + weight * (features[index] ?? 0), bias);
  return 1 / (1 + Math.exp(-sum));
}

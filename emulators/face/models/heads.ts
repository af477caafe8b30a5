import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/*
 * Linear heads over the features of faceres: whether a face wears glasses, a mask or something on its head, and what
 * of it is covered. Trained by `npm run train-heads`, which says on what.
 */

export const headNames = ['glasses', 'sunglasses', 'headwear', 'mask', 'eyes', 'mouth', 'forehead'] as const;
export type HeadName = (typeof headNames)[number];

/** Most weights are 0 and left out. */
const head = z.object({ bias: z.number(), weights: z.array(z.tuple([z.number().int(), z.number()])) });
export type Head = z.output<typeof head>;

export const headsFile = join(import.meta.dirname, 'heads.json');

export function readHeads(): Record<HeadName, Head> {
  return z.record(z.enum(headNames), head).parse(JSON.parse(readFileSync(headsFile, 'utf8')));
}

/** 0 to 1: how likely it is by a head that a face with these features has what it is about. */
export function likelihood({ bias, weights }: Head, features: Float32Array): number {
  const sum = weights.reduce((total, [index, weight]) => total + weight * (features[index] ?? 0), bias);
  return 1 / (1 + Math.exp(-sum));
}

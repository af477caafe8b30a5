import type { RecognitionModel } from '../contract/vision.ts';

/** How vectors of a model are made; two models of one family give the same vectors. */
export type RecognitionFamily = 'descriptor' | 'fused';

export const familyOf = {
  recognition_01: 'descriptor',
  recognition_02: 'descriptor',
  recognition_03: 'fused',
  recognition_04: 'fused',
} as const satisfies Record<RecognitionModel, RecognitionFamily>;

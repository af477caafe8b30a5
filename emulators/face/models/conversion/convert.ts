import { readFileSync } from 'node:fs';
import { fromFaceApi } from './fromFaceApi.ts';
import { fromTfjs } from './fromTfjs.ts';
import { fromTflite } from './fromTflite.ts';
import { readTflite } from './tflite.ts';
import type { ModelSource } from './modelSource.ts';

/** Converts a model file to ONNX. */
export function convert(file: string, source: ModelSource): Buffer {
  switch (source.format) {
    case 'tflite':
      return fromTflite(readTflite(readFileSync(file)), source.options);
    case 'tfjs':
      return fromTfjs(file, source.options);
    case 'face-api':
      return fromFaceApi(file);
  }
}

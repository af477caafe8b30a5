import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The weights manifest of TensorFlow.js, which graph models and face-api's networks share. */
export const weightsManifest = z.array(
  z.object({
    paths: z.array(z.string()),
    weights: z.array(
      z.object({
        name: z.string(),
        shape: z.array(z.number()),
        dtype: z.string(),
        quantization: z
          .object({ dtype: z.string(), min: z.number().optional(), scale: z.number().optional() })
          .optional(),
      }),
    ),
  }),
);

export type Weight = { shape: number[]; data: Float32Array };

/** Reads the weights by name from the files beside the manifest. */
export function readWeights(folder: string, manifest: z.output<typeof weightsManifest>): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const group of manifest) {
    const bytes = Buffer.concat(group.paths.map((path) => readFileSync(join(folder, path))));
    let offset = 0;
    for (const { name, shape, dtype, quantization } of group.weights) {
      const count = shape.reduce((product, dim) => product * dim, 1);
      const kind = quantization?.dtype ?? dtype;
      const width = kind === 'uint8' ? 1 : kind === 'float16' || kind === 'uint16' ? 2 : 4;
      const slice = bytes.subarray(offset, offset + count * width);
      weights.set(name, { shape, data: toFloats(slice, kind, quantization) });
      offset += count * width;
    }
  }
  return weights;
}

function toFloats(
  bytes: Buffer,
  kind: string,
  quantization?: { min?: number | undefined; scale?: number | undefined },
): Float32Array {
  const { buffer } = new Uint8Array(bytes);
  switch (kind) {
    case 'float32':
      return new Float32Array(buffer);
    case 'int32':
      return new Float32Array(new Int32Array(buffer));
    case 'float16':
      return mapFloats(new Uint16Array(buffer), decodeHalfFloat);
    case 'uint8':
    case 'uint16': {
      const { min = 0, scale = 1 } = quantization ?? {};
      const values = kind === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
      return mapFloats(values, (value) => value * scale + min);
    }
    default:
      throw new Error(`weights of type ${kind} are not supported`);
  }
}

/** A loop, since `Float32Array.from` with a function is ten times slower and there are millions of numbers. */
function mapFloats(values: Uint8Array | Uint16Array, change: (value: number) => number): Float32Array {
  const result = new Float32Array(values.length);
  for (let index = 0; index < result.length; index += 1) result[index] = change(values[index] ?? 0);
  return result;
}

function decodeHalfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

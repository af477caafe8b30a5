import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { GraphBuilder, permuted } from './graphBuilder.ts';
import type { Attribute } from './onnx.ts';

/*
 * Turns a TensorFlow.js graph model (a JSON topology and a file of weights), channels last, into ONNX, channels
 * first, for the operators that small detectors use.
 */

const node = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), z.unknown()).default({}),
});

const modelFile = z.object({
  modelTopology: z.object({ node: z.array(node) }),
  weightsManifest: z.array(
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
  ),
});

const reluInBase64 = Buffer.from('Relu').toString('base64');

type Node = z.output<typeof node>;
type Weight = { shape: number[]; data: Float32Array };

/** The graph from its input, named `input` (NCHW, of the given size), to the named nodes: `output0`, `output1`, … */
export function fromTfjs(
  file: string,
  { inputSize, outputs }: { inputSize: number; outputs: string[] },
): Buffer {
  const { modelTopology, weightsManifest } = modelFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  const nodes = new Map(modelTopology.node.map((item) => [item.name, item]));
  const weights = readWeights(dirname(file), weightsManifest);
  const builder = new GraphBuilder();
  const done = new Map<string, string>();

  function emit(name: string): string {
    const known = done.get(name);
    if (known !== undefined) return known;
    const found = nodes.get(name);
    if (found === undefined) throw new Error(`the model has no node ${name}`);
    const output = found.op === 'Placeholder' ? 'input' : `n${done.size}`;
    done.set(name, output);
    if (found.op === 'Placeholder') builder.input(output, [0, 3, inputSize, inputSize]);
    else emitNode(found, output);
    return output;
  }

  function weightOf(name: string | undefined): Weight {
    const weight = weights.get(name ?? '');
    if (weight === undefined) throw new Error(`the model has no weight ${name}`);
    return weight;
  }

  function convolve({ input, attr }: Node, output: string, order: number[], group: number): void {
    const [data = '', kernel, bias] = input;
    const { shape, data: values } = weightOf(kernel);
    const bent = order.map((axis) => shape[axis] ?? 1);
    const names = [emit(data), builder.floats(`${output}.weights`, bent, permuted(values, shape, order))];
    if (bias !== undefined) names.push(builder.floats(`${output}.bias`, [bent[0] ?? 0], weightOf(bias).data));
    const [, height = 1, width = 1] = integersOf(attr['strides']);
    const fusedRelu = JSON.stringify(attr['fused_ops'] ?? '').includes(reluInBase64);
    const convolved = fusedRelu ? `${output}.convolved` : output;
    builder.node(convolved, 'Conv', names, { ...paddingOf(attr), strides: [height, width], group });
    if (fusedRelu) builder.node(output, 'Relu', [convolved]);
  }

  function emitNode(found: Node, output: string): void {
    const [first = '', second = ''] = found.input;
    switch (found.op) {
      case '_FusedConv2D':
      case 'Conv2D':
        return convolve(found, output, [3, 2, 0, 1], 1);
      case 'DepthwiseConv2dNative':
        return convolve(found, output, [2, 3, 0, 1], weightOf(second).shape[2] ?? 1);
      case 'AddV2':
        return builder.node(output, 'Add', [emit(first), addend(second, output)]);
      case 'Relu':
        return builder.node(output, 'Relu', [emit(first)]);
      case 'MaxPool': {
        const [, kernelHeight = 1, kernelWidth = 1] = integersOf(found.attr['ksize']);
        const [, height = 1, width = 1] = integersOf(found.attr['strides']);
        return builder.node(output, 'MaxPool', [emit(first)], {
          ...paddingOf(found.attr),
          kernel_shape: [kernelHeight, kernelWidth],
          strides: [height, width],
        });
      }
      case 'Pad': {
        // Pairs of before and after, channels last; ONNX wants all befores, then all afters, channels first.
        const pads = [...weightOf(second).data];
        const at = (axis: number, side: number) => pads[axis * 2 + side] ?? 0;
        const order = [0, 3, 1, 2];
        const values = [0, 1].flatMap((side) => order.map((axis) => at(axis, side)));
        return builder.node(output, 'Pad', [emit(first), builder.integers(`${output}.pads`, values)]);
      }
      case 'Reshape': {
        // The flattened order is that of channels last.
        builder.node(`${output}.last`, 'Transpose', [emit(first)], { perm: [0, 2, 3, 1] });
        const shape = builder.integers(`${output}.shape`, [...weightOf(second).data]);
        return builder.node(output, 'Reshape', [`${output}.last`, shape]);
      }
      case 'Identity':
        return builder.node(output, 'Identity', [emit(first)]);
      default:
        throw new Error(`operator ${found.op} is not supported`);
    }
  }

  /** A weight that is added is one number a channel. */
  function addend(name: string, output: string): string {
    const weight = weights.get(name);
    if (weight === undefined) return emit(name);
    return builder.floats(`${output}.addend`, [1, weight.data.length, 1, 1], weight.data);
  }

  for (const [index, name] of outputs.entries()) {
    builder.node(`output${index}`, 'Identity', [emit(name)]);
    builder.output(`output${index}`, [0, 0, 0]);
  }
  return builder.encode();
}

function readWeights(
  folder: string,
  manifest: z.output<typeof modelFile>['weightsManifest'],
): Map<string, Weight> {
  const weights = new Map<string, Weight>();
  for (const group of manifest) {
    const bytes = Buffer.concat(group.paths.map((path) => readFileSync(join(folder, path))));
    let offset = 0;
    for (const { name, shape, dtype, quantization } of group.weights) {
      const count = shape.reduce((product, dim) => product * dim, 1);
      const kind = quantization?.dtype ?? dtype;
      const width = kind === 'uint8' ? 1 : kind === 'float16' || kind === 'uint16' ? 2 : 4;
      const slice = bytes.subarray(offset, offset + count * width);
      weights.set(name, { shape, data: numbersOf(slice, kind, quantization) });
      offset += count * width;
    }
  }
  return weights;
}

function numbersOf(
  bytes: Buffer,
  kind: string,
  quantization?: { min?: number | undefined; scale?: number | undefined },
): Float32Array {
  const { buffer } = new Uint8Array(bytes);
  switch (kind) {
    case 'float32':
      return new Float32Array(buffer);
    case 'int32':
      return Float32Array.from(new Int32Array(buffer));
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), halfFloat);
    case 'uint8':
    case 'uint16': {
      const { min = 0, scale = 1 } = quantization ?? {};
      const values = kind === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
      return Float32Array.from(values, (value) => value * scale + min);
    }
    default:
      throw new Error(`weights of type ${kind} are not supported`);
  }
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function paddingOf(attr: Record<string, unknown>): Record<string, Attribute> {
  const { s = '' } = (attr['padding'] ?? {}) as { s?: string };
  return { auto_pad: Buffer.from(s, 'base64').toString('utf8') === 'SAME' ? 'SAME_UPPER' : 'VALID' };
}

function integersOf(value: unknown): number[] {
  const { list } = (value ?? {}) as { list?: { i?: (string | number)[] } };
  return (list?.i ?? []).map(Number);
}

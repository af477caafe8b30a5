import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { GraphBuilder, permuted } from './graphBuilder.ts';
import type { Attribute } from './onnx.ts';
import { readWeights, weightsManifest, type Weight } from './tfjsWeights.ts';

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
  weightsManifest,
});

const reluInBase64 = Buffer.from('Relu').toString('base64');

function fusesRelu(attr: Node['attr']): boolean {
  return JSON.stringify(attr['fused_ops'] ?? '').includes(reluInBase64);
}

type Node = z.output<typeof node>;

export type TfjsOptions = {
  /** Side of the picture that the network takes. */
  inputSize: number;
  /** Nodes at which the graph ends. */
  outputs: string[];
};

/** The graph from its input, named `input` (NCHW, of the given size), to the named nodes: `output0`, `output1`, … */
export function fromTfjs(file: string, { inputSize, outputs }: TfjsOptions): Buffer {
  const { modelTopology, weightsManifest: manifest } = modelFile.parse(
    JSON.parse(readFileSync(file, 'utf8')),
  );
  const nodes = new Map(modelTopology.node.map((item) => [item.name, item]));
  const weights = readWeights(dirname(file), manifest);
  const builder = new GraphBuilder();
  const done = new Map<string, string>();

  function emit(name: string): string {
    const known = done.get(name);
    if (known !== undefined) return known;
    const found = nodes.get(name);
    if (found === undefined) throw new Error(`the model has no node ${name}`);
    const output = found.op === 'Placeholder' ? 'input' : `n${done.size}`;
    done.set(name, output);
    if (found.op === 'Placeholder') builder.input(output, [0, channelsOf(found), inputSize, inputSize]);
    else emitNode(found, output);
    return output;
  }

  function weightOf(name: string | undefined): Weight {
    const weight = weights.get(name ?? '');
    if (weight === undefined) throw new Error(`the model has no weight ${name}`);
    return weight;
  }

  function convolve({ input, attr }: Node, output: string, order: number[], group: number): void {
    const [data = '', kernel, bias, slopes] = input;
    const { shape, data: values } = weightOf(kernel);
    const bent = order.map((axis) => shape[axis] ?? 1);
    const names = [emit(data), builder.floats(`${output}.weights`, bent, permuted(values, shape, order))];
    if (bias !== undefined) names.push(builder.floats(`${output}.bias`, [bent[0] ?? 0], weightOf(bias).data));
    const [, height = 1, width = 1] = integersOf(attr['strides']);
    const convolved = `${output}.convolved`;
    builder.node(convolved, 'Conv', names, { ...paddingOf(attr), strides: [height, width], group });
    if (slopes !== undefined) builder.parametricRelu(output, convolved, weightOf(slopes).data);
    else builder.node(output, fusesRelu(attr) ? 'Relu' : 'Identity', [convolved]);
  }

  function emitNode(found: Node, output: string): void {
    const [first = '', second = ''] = found.input;
    switch (found.op) {
      case '_FusedConv2D':
      case 'Conv2D':
        return convolve(found, output, [3, 2, 0, 1], 1);
      case 'DepthwiseConv2dNative':
        return convolve(found, output, [2, 3, 0, 1], weightOf(second).shape[2] ?? 1);
      case 'Add':
      case 'AddV2':
      case 'Sub':
      case 'Mul':
        return builder.node(output, found.op.replace('V2', ''), [emit(first), addend(second, output)]);
      case 'Relu':
      case 'Sigmoid':
        return builder.node(output, found.op, [emit(first)]);
      case 'Softmax':
        return builder.node(output, 'Softmax', [emit(first)], { axis: -1 });
      case 'Minimum':
        return builder.node(output, 'Min', [emit(first), scalar(second, output)]);
      case 'Maximum':
        return clip(found, output);
      case 'Prelu':
        return builder.parametricRelu(output, emit(first), weightOf(second).data);
      case 'Mean':
        // Over height and width: what else it can be, small networks do not use.
        builder.node(`${output}.mean`, 'GlobalAveragePool', [emit(first)]);
        return builder.node(output, 'Flatten', [`${output}.mean`], { axis: 1 });
      case '_FusedMatMul':
        return multiply(found, output);
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

  function multiply({ input, attr }: Node, output: string): void {
    const [data = '', matrix, bias] = input;
    const { shape, data: values } = weightOf(matrix);
    const names = [
      emit(data),
      builder.floats(`${output}.matrix`, shape, values),
      builder.floats(`${output}.bias`, [shape[1] ?? 0], weightOf(bias).data),
    ];
    const withRelu = fusesRelu(attr);
    builder.node(withRelu ? `${output}.product` : output, 'Gemm', names);
    if (withRelu) builder.node(output, 'Relu', [`${output}.product`]);
  }

  /** The larger of the smaller of a rectified value and a limit is that value clipped, which the runtime fuses. */
  function clip({ input }: Node, output: string): void {
    const [first = '', second = ''] = input;
    const inner = nodes.get(first);
    const [before = '', limit = ''] = inner?.input ?? [];
    if (inner?.op !== 'Minimum' || weightOf(second).data[0] !== 0) {
      return builder.node(output, 'Max', [emit(first), scalar(second, output)]);
    }
    const rectified = nodes.get(before);
    const source = rectified?.op === 'Relu' ? (rectified.input[0] ?? '') : before;
    const limits = [scalar(second, `${output}.least`), scalar(limit, `${output}.most`)];
    return builder.node(output, 'Clip', [emit(source), ...limits]);
  }

  function scalar(name: string, output: string): string {
    return builder.floats(`${output}.scalar`, [], weightOf(name).data);
  }

  /** A weight that is added is one number a channel. */
  function addend(name: string, output: string): string {
    const weight = weights.get(name);
    if (weight === undefined) return emit(name);
    return builder.floats(`${output}.addend`, [1, weight.data.length, 1, 1], weight.data);
  }

  for (const [index, name] of outputs.entries()) {
    builder.node(`output${index}`, 'Identity', [emit(name)]);
    builder.output(`output${index}`);
  }
  return builder.encode();
}

function paddingOf(attr: Record<string, unknown>): Record<string, Attribute> {
  const { s = '' } = (attr['padding'] ?? {}) as { s?: string };
  return { auto_pad: Buffer.from(s, 'base64').toString('utf8') === 'SAME' ? 'SAME_UPPER' : 'VALID' };
}

function channelsOf({ attr }: Node): number {
  const { shape } = (attr['shape'] ?? {}) as { shape?: { dim?: { size?: string }[] } };
  return Number(shape?.dim?.[3]?.size ?? 3);
}

function integersOf(value: unknown): number[] {
  const { list } = (value ?? {}) as { list?: { i?: (string | number)[] } };
  return (list?.i ?? []).map(Number);
}

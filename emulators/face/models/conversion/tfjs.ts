import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Attribute } from './onnx.ts';
import { readWeights, weightsManifest, type Weight } from './tfjsWeights.ts';

/* Parses TensorFlow.js graph models: a JSON topology, and files of weights beside it. */

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

export type TfjsNode = z.output<typeof node>;

export type TfjsModel = { nodes: Map<string, TfjsNode>; weights: Map<string, Weight> };

/** Reads nodes and weights by name. @throws Error for a file of another form */
export function readTfjs(file: string): TfjsModel {
  const model = modelFile.parse(JSON.parse(readFileSync(file, 'utf8')));
  return {
    nodes: new Map(model.modelTopology.node.map((item) => [item.name, item])),
    weights: readWeights(dirname(file), model.weightsManifest),
  };
}

const reluInBase64 = Buffer.from('Relu').toString('base64');

/** A convolution or product followed by a ReLU in the same node. */
export function fusesRelu(attr: TfjsNode['attr']): boolean {
  return JSON.stringify(attr['fused_ops'] ?? '').includes(reluInBase64);
}

/** Padding and strides of a convolution or a pooling. */
export function readWindow(attr: TfjsNode['attr']): Record<string, Attribute> {
  const { s = '' } = (attr['padding'] ?? {}) as { s?: string };
  const isSame = Buffer.from(s, 'base64').toString('utf8') === 'SAME';
  const [, height = 1, width = 1] = readIntegers(attr['strides']);
  return { auto_pad: isSame ? 'SAME_UPPER' : 'VALID', strides: [height, width] };
}

export function readChannels({ attr }: TfjsNode): number {
  const { shape } = (attr['shape'] ?? {}) as { shape?: { dim?: { size?: string }[] } };
  return Number(shape?.dim?.[3]?.size ?? 3);
}

export function readIntegers(value: unknown): number[] {
  const { list } = (value ?? {}) as { list?: { i?: (string | number)[] } };
  return (list?.i ?? []).map(Number);
}

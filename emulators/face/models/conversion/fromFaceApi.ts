import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { GraphBuilder } from './graphBuilder.ts';
import { readWeights, weightsManifest, type Weight } from './tfjsWeights.ts';

/*
 * face-api ships weights without a graph. This file builds the graph of its descriptor network, dlib's residual
 * network, as the source of face-api does.
 */

/** Side of the input in pixels. */
const inputSize = 150;

/** Blocks of two convolutions; `halves`: the block halves width and height. */
const blocks = [
  ...[1, 2, 3].map((number) => ({ name: `conv32_${number}`, halves: false })),
  { name: 'conv64_down', halves: true },
  ...[1, 2, 3].map((number) => ({ name: `conv64_${number}`, halves: false })),
  { name: 'conv128_down', halves: true },
  ...[1, 2].map((number) => ({ name: `conv128_${number}`, halves: false })),
  { name: 'conv256_down', halves: true },
  ...[1, 2].map((number) => ({ name: `conv256_${number}`, halves: false })),
  { name: 'conv256_down_out', halves: true },
];

/** The shape of the output of a block. */
type Shape = { side: number; channels: number };

/** The descriptor network, from `input` [n, 3, 150, 150] to `output0` [n, 128]. */
export function fromFaceApi(manifestFile: string): Buffer {
  const manifest = weightsManifest.parse(JSON.parse(readFileSync(manifestFile, 'utf8')));
  return new ResidualNetwork(readWeights(dirname(manifestFile), manifest)).build();
}

class ResidualNetwork {
  readonly #builder = new GraphBuilder();
  readonly #weights: Map<string, Weight>;

  constructor(weights: Map<string, Weight>) {
    this.#weights = weights;
  }

  build(): Buffer {
    const builder = this.#builder;
    builder.input('input', [0, 3, inputSize, inputSize]);
    this.#convolution('conv32_down', 'input', 'valid');
    builder.node('first.relu', 'Relu', ['conv32_down']);
    builder.node('first', 'MaxPool', ['first.relu'], { kernel_shape: [3, 3], strides: [2, 2] });
    let flow = 'first';
    // The first convolution reduces the side from 150 to 72, and the pooling to 35.
    let shape: Shape = { side: 35, channels: 32 };
    for (const { name, halves } of blocks) {
      [flow, shape] = halves ? this.#halving(name, flow, shape) : [this.#block(name, flow), shape];
    }
    builder.node('mean', 'GlobalAveragePool', [flow]);
    builder.node('flat', 'Flatten', ['mean'], { axis: 1 });
    const fc = this.#weight('fc');
    builder.node('output0', 'MatMul', ['flat', builder.floats('fc', fc.shape, fc.data)]);
    builder.output('output0');
    return builder.encode();
  }

  #weight(name: string): Weight {
    const weight = this.#weights.get(name);
    if (weight === undefined) throw new Error(`the model has no weight ${name}`);
    return weight;
  }

  /** A convolution with the scale layer behind it folded in. */
  #convolution(name: string, input: string, kind: 'same' | 'valid'): string {
    const filters = this.#weight(`${name}/conv/filters`);
    const [bias, factors, shifts] = ['conv/bias', 'scale/weights', 'scale/biases'].map(
      (part) => this.#weight(`${name}/${part}`).data,
    );
    const { shape, data } = reorder(filters, factors ?? new Float32Array());
    const added = (bias ?? new Float32Array()).map(
      (value, index) => value * (factors?.[index] ?? 1) + (shifts?.[index] ?? 0),
    );
    const names = [
      input,
      this.#builder.floats(`${name}.weights`, shape, data),
      this.#builder.floats(`${name}.bias`, [added.length], added),
    ];
    const strides = kind === 'same' ? [1, 1] : [2, 2];
    this.#builder.node(name, 'Conv', names, {
      auto_pad: kind === 'same' ? 'SAME_UPPER' : 'VALID',
      strides,
    });
    return name;
  }

  #block(name: string, input: string): string {
    this.#convolution(`${name}/conv1`, input, 'same');
    this.#builder.node(`${name}.relu`, 'Relu', [`${name}/conv1`]);
    this.#convolution(`${name}/conv2`, `${name}.relu`, 'same');
    this.#builder.node(`${name}.sum`, 'Add', [`${name}/conv2`, input]);
    this.#builder.node(name, 'Relu', [`${name}.sum`]);
    return name;
  }

  /** Halves width and height. The smaller of the convolved and the pooled branch is padded with zeros. */
  #halving(name: string, input: string, { side, channels }: Shape): [flow: string, shape: Shape] {
    const builder = this.#builder;
    this.#convolution(`${name}/conv1`, input, 'valid');
    builder.node(`${name}.relu`, 'Relu', [`${name}/conv1`]);
    this.#convolution(`${name}/conv2`, `${name}.relu`, 'same');
    const after = this.#weight(`${name}/conv2/conv/filters`).shape[3] ?? channels;
    const convolved = Math.floor((side - 3) / 2) + 1;
    const pooled = Math.floor(side / 2);
    builder.node(`${name}.pool`, 'AveragePool', [input], { kernel_shape: [2, 2], strides: [2, 2] });
    const convolvedPadded = this.#padded(`${name}/conv2`, 0, pooled - convolved);
    const pooledPadded = this.#padded(`${name}.pool`, after - channels, 0);
    builder.node(`${name}.sum`, 'Add', [convolvedPadded, pooledPadded]);
    builder.node(name, 'Relu', [`${name}.sum`]);
    return [name, { side: pooled, channels: after }];
  }

  #padded(input: string, channels: number, side: number): string {
    if (channels === 0 && side === 0) return input;
    const pads = this.#builder.integers(`${input}.pads`, [0, 0, 0, 0, 0, channels, side, side]);
    this.#builder.node(`${input}.padded`, 'Pad', [input, pads]);
    return `${input}.padded`;
  }
}

/** Reorders [height, width, inputs, outputs] to [outputs, inputs, height, width], each output times its factor. */
function reorder({ shape, data }: Weight, factors: Float32Array): Weight {
  const [height = 1, width = 1, inputs = 1, outputs = 1] = shape;
  const places = height * width;
  const to = new Float32Array(data.length);
  let at = 0;
  for (let output = 0; output < outputs; output += 1) {
    const factor = factors[output] ?? 1;
    for (let input = 0; input < inputs; input += 1) {
      for (let place = 0; place < places; place += 1, at += 1) {
        to[at] = (data[(place * inputs + input) * outputs + output] ?? 0) * factor;
      }
    }
  }
  return { shape: [outputs, inputs, height, width], data: to };
}

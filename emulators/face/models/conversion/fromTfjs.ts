import { GraphBuilder, permute } from './graphBuilder.ts';
import {
  fusesRelu,
  readChannels,
  readIntegers,
  readTfjs,
  readWindow,
  type TfjsModel,
  type TfjsNode,
} from './tfjs.ts';
import type { Weight } from './tfjsWeights.ts';

/*
 * Converts a TensorFlow.js graph model, channels last, to ONNX, channels first. The operators are those of small
 * detectors.
 */

export type TfjsOptions = {
  /** Side of the input in pixels. */
  inputSize: number;
  /** Names of the nodes at which the graph ends. */
  outputs: string[];
};

/** Converts the graph from its input, named `input`, to the named nodes, which become `output0`, `output1`, … */
export function fromTfjs(file: string, options: TfjsOptions): Buffer {
  return new Converter(readTfjs(file), options).convert();
}

class Converter {
  readonly #nodes: Map<string, TfjsNode>;
  readonly #weights: Map<string, Weight>;
  readonly #options: TfjsOptions;
  readonly #builder = new GraphBuilder();
  /** Names of outputs in the new graph by the names of their nodes. */
  readonly #emitted = new Map<string, string>();

  constructor({ nodes, weights }: TfjsModel, options: TfjsOptions) {
    this.#nodes = nodes;
    this.#weights = weights;
    this.#options = options;
  }

  convert(): Buffer {
    for (const [index, name] of this.#options.outputs.entries()) {
      this.#builder.node(`output${index}`, 'Identity', [this.#emit(name)]);
      this.#builder.output(`output${index}`);
    }
    return this.#builder.encode();
  }

  /** Emits a node after the nodes that it needs, and returns the name of its output. */
  #emit(name: string): string {
    const known = this.#emitted.get(name);
    if (known !== undefined) return known;
    const found = this.#nodes.get(name);
    if (found === undefined) throw new Error(`the model has no node ${name}`);
    const output = found.op === 'Placeholder' ? 'input' : `n${this.#emitted.size}`;
    this.#emitted.set(name, output);
    if (found.op === 'Placeholder') {
      const { inputSize } = this.#options;
      this.#builder.input(output, [0, readChannels(found), inputSize, inputSize]);
    } else {
      this.#emitNode(found, output);
    }
    return output;
  }

  #emitNode(found: TfjsNode, output: string): void {
    const [first = '', second = ''] = found.input;
    const builder = this.#builder;
    switch (found.op) {
      case '_FusedConv2D':
      case 'Conv2D':
        return this.#convolution(found, output, [3, 2, 0, 1], 1);
      case 'DepthwiseConv2dNative':
        return this.#convolution(found, output, [2, 3, 0, 1], this.#weight(second).shape[2] ?? 1);
      case 'Add':
      case 'AddV2':
      case 'Sub':
      case 'Mul':
        return builder.node(output, found.op.replace('V2', ''), [
          this.#emit(first),
          this.#addend(second, output),
        ]);
      case 'Identity':
      case 'Relu':
      case 'Sigmoid':
        return builder.node(output, found.op, [this.#emit(first)]);
      case 'Softmax':
        return builder.node(output, 'Softmax', [this.#emit(first)], { axis: -1 });
      case 'Minimum':
        return builder.node(output, 'Min', [this.#emit(first), this.#scalar(second, output)]);
      case 'Maximum':
        return this.#maximum(found, output);
      case 'Prelu':
        return builder.parametricRelu(output, this.#emit(first), this.#weight(second).data);
      case 'Mean':
        // Small networks use the mean over height and width only.
        builder.node(`${output}.mean`, 'GlobalAveragePool', [this.#emit(first)]);
        return builder.node(output, 'Flatten', [`${output}.mean`], { axis: 1 });
      case '_FusedMatMul':
        return this.#fullyConnected(found, output);
      case 'MaxPool':
        return this.#maxPool(found, output);
      case 'Pad':
        return this.#pad(found, output);
      case 'Reshape':
        return this.#reshape(found, output);
      default:
        throw new Error(`operator ${found.op} is not supported`);
    }
  }

  #weight(name: string | undefined): Weight {
    const weight = this.#weights.get(name ?? '');
    if (weight === undefined) throw new Error(`the model has no weight ${name}`);
    return weight;
  }

  #convolution({ input, attr }: TfjsNode, output: string, order: number[], group: number): void {
    const [data = '', kernel, bias, slopes] = input;
    const builder = this.#builder;
    const { shape, data: values } = this.#weight(kernel);
    const dims = order.map((axis) => shape[axis] ?? 1);
    const inputs = [
      this.#emit(data),
      builder.floats(`${output}.weights`, dims, permute(values, shape, order)),
    ];
    if (bias !== undefined) {
      inputs.push(builder.floats(`${output}.bias`, [dims[0] ?? 0], this.#weight(bias).data));
    }
    const convolved = `${output}.convolved`;
    builder.node(convolved, 'Conv', inputs, { ...readWindow(attr), group });
    if (slopes !== undefined) builder.parametricRelu(output, convolved, this.#weight(slopes).data);
    else builder.node(output, fusesRelu(attr) ? 'Relu' : 'Identity', [convolved]);
  }

  #maxPool({ input: [data = ''], attr }: TfjsNode, output: string): void {
    const [, height = 1, width = 1] = readIntegers(attr['ksize']);
    const attributes = { ...readWindow(attr), kernel_shape: [height, width] };
    this.#builder.node(output, 'MaxPool', [this.#emit(data)], attributes);
  }

  /** TensorFlow has pairs of before and after, channels last; ONNX has all befores, then all afters, channels first. */
  #pad({ input: [data = '', padding] }: TfjsNode, output: string): void {
    const pads = this.#weight(padding).data;
    const values = [0, 1].flatMap((side) => [0, 3, 1, 2].map((axis) => pads[axis * 2 + side] ?? 0));
    const input = this.#emit(data);
    this.#builder.node(output, 'Pad', [input, this.#builder.integers(`${output}.pads`, values)]);
  }

  /** The channels become the last dimension again, since the new shape counts on that order. */
  #reshape({ input: [data = '', shape] }: TfjsNode, output: string): void {
    const builder = this.#builder;
    builder.node(`${output}.last`, 'Transpose', [this.#emit(data)], { perm: [0, 2, 3, 1] });
    const dims = builder.integers(`${output}.shape`, [...this.#weight(shape).data]);
    builder.node(output, 'Reshape', [`${output}.last`, dims]);
  }

  #fullyConnected({ input: [data = '', matrix, bias], attr }: TfjsNode, output: string): void {
    const builder = this.#builder;
    const { shape, data: values } = this.#weight(matrix);
    const inputs = [
      this.#emit(data),
      builder.floats(`${output}.matrix`, shape, values),
      builder.floats(`${output}.bias`, [shape[1] ?? 0], this.#weight(bias).data),
    ];
    const withRelu = fusesRelu(attr);
    builder.node(withRelu ? `${output}.product` : output, 'Gemm', inputs);
    if (withRelu) builder.node(output, 'Relu', [`${output}.product`]);
  }

  /** max(min(relu(x), limit), 0) becomes one Clip, which the runtime fuses with the convolution before it. */
  #maximum({ input: [first = '', second = ''] }: TfjsNode, output: string): void {
    const builder = this.#builder;
    const inner = this.#nodes.get(first);
    const [before = '', limit = ''] = inner?.input ?? [];
    if (inner?.op !== 'Minimum' || this.#weight(second).data[0] !== 0) {
      return builder.node(output, 'Max', [this.#emit(first), this.#scalar(second, output)]);
    }
    const rectified = this.#nodes.get(before);
    const source = rectified?.op === 'Relu' ? (rectified.input[0] ?? '') : before;
    const limits = [this.#scalar(second, `${output}.least`), this.#scalar(limit, `${output}.most`)];
    builder.node(output, 'Clip', [this.#emit(source), ...limits]);
  }

  #scalar(name: string, output: string): string {
    return this.#builder.floats(`${output}.scalar`, [], this.#weight(name).data);
  }

  /** A constant addend has one number per channel. */
  #addend(name: string, output: string): string {
    const weight = this.#weights.get(name);
    if (weight === undefined) return this.#emit(name);
    return this.#builder.floats(`${output}.addend`, [1, weight.data.length, 1, 1], weight.data);
  }
}

import { GraphBuilder, permute } from './graphBuilder.ts';
import type { Attribute } from './onnx.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from './tflite.ts';

/*
 * Converts a TensorFlow Lite graph, channels last, to ONNX, channels first: four-dimensional tensors become NCHW,
 * weights are reordered, and element-wise operators stay unchanged. The five operators of a parametric ReLU in
 * TensorFlow Lite become one.
 */

// Operator codes of TensorFlow's schema.fbs.
const codes = {
  add: 0,
  conv: 3,
  depthwiseConv: 4,
  fullyConnected: 9,
  maxPool: 17,
  mul: 18,
  relu: 19,
  reshape: 22,
  sub: 41,
  neg: 59,
  abs: 101,
} as const;

export type TfliteOptions = {
  /** The network was trained on transposed images. Its filters are transposed, so that it takes upright images. */
  transposed?: boolean;
  /** The input may have any height and width. */
  anySize?: boolean;
  /** Tensors at which the graph ends, by a part of their name; by default its outputs. */
  outputs?: string[];
};

/** Converts the graph from its input, named `input`, to its outputs, named `output0`, `output1`, … */
export function fromTflite(model: TfliteModel, options: TfliteOptions = {}): Buffer {
  return new Converter(model, options).convert();
}

class Converter {
  readonly #model: TfliteModel;
  readonly #options: TfliteOptions;
  readonly #builder = new GraphBuilder();
  readonly #producers = new Map<number, TfliteOperator>();
  readonly #emitted = new Set<number>();

  constructor(model: TfliteModel, options: TfliteOptions) {
    this.#model = model;
    this.#options = options;
    for (const operator of model.operators) {
      for (const output of operator.outputs) this.#producers.set(output, operator);
    }
  }

  convert(): Buffer {
    const { inputs, outputs, tensors } = this.#model;
    const [input] = inputs;
    if (input === undefined) throw new Error('a model without an input');
    const [, height = 0, width = 0, channels = 0] = this.#tensor(input).shape;
    const size = this.#options.anySize === true ? [0, 0] : [height, width];
    this.#builder.input(this.#name(input), [0, channels, ...size]);
    this.#emitted.add(input);
    const wanted =
      this.#options.outputs?.map((part) => tensors.findIndex(({ name }) => name.includes(part))) ?? outputs;
    for (const [index, output] of wanted.entries()) {
      this.#emit(output);
      this.#builder.node(`output${index}`, 'Identity', [this.#name(output)]);
      this.#builder.output(`output${index}`);
    }
    return this.#builder.encode();
  }

  #tensor(index: number): TfliteTensor {
    const tensor = this.#model.tensors[index];
    if (tensor === undefined) throw new Error(`the model has no tensor ${index}`);
    return tensor;
  }

  #name(index: number): string {
    return index === this.#model.inputs[0] ? 'input' : `t${index}`;
  }

  /** Emits the operator that produces a tensor, after the operators that it needs. Unused operators are left out. */
  #emit(index: number): string {
    if (this.#emitted.has(index)) return this.#name(index);
    this.#emitted.add(index);
    const operator = this.#producers.get(index);
    if (operator === undefined) throw new Error(`nothing produces ${this.#tensor(index).name}`);
    this.#operator(operator, this.#name(index));
    return this.#name(index);
  }

  #operator(operator: TfliteOperator, output: string): void {
    const prelu = this.#parametricRelu(operator);
    if (prelu !== undefined) {
      const slopes = this.#floats(prelu.slope).map((value) => value * prelu.factor);
      this.#builder.parametricRelu(output, this.#emit(prelu.input), slopes);
      return;
    }
    switch (operator.code) {
      case codes.conv:
        return this.#convolution(operator, output, [0, 3, 1, 2], 1);
      case codes.depthwiseConv:
        return this.#convolution(operator, output, [3, 0, 1, 2], this.#countChannels(operator));
      case codes.maxPool:
        return this.#maxPool(operator, output);
      case codes.fullyConnected:
        return this.#fullyConnected(operator, output);
      case codes.relu:
        return this.#builder.node(output, 'Relu', [this.#emit(operator.inputs[0] ?? -1)]);
      case codes.add:
        return this.#builder.node(
          output,
          'Add',
          operator.inputs.map((input) => this.#emit(input)),
        );
      case codes.reshape: {
        const shape = this.#builder.integers(`${output}.shape`, [0, -1]);
        return this.#builder.node(output, 'Reshape', [this.#emit(operator.inputs[0] ?? -1), shape]);
      }
      default:
        throw new Error(`operator ${operator.code} is not supported`);
    }
  }

  /** Recognises a parametric ReLU: relu(x) + slope · −relu(−x), or relu(x) + slope/2 · (x − |x|). */
  #parametricRelu({
    code,
    inputs,
  }: TfliteOperator): { input: number; slope: number; factor: number } | undefined {
    if (code !== codes.add) return undefined;
    const [positive, negative] = inputs.map((input) => this.#producers.get(input));
    const relu = [positive, negative].find((operator) => operator?.code === codes.relu);
    const product = [positive, negative].find((operator) => operator?.code === codes.mul);
    const slope = product?.inputs.find((input) => this.#tensor(input).data !== undefined);
    const rest = product?.inputs.find((input) => input !== slope);
    const input = relu?.inputs[0];
    if (slope === undefined || rest === undefined || input === undefined) return undefined;
    const negated = this.#producers.get(rest)?.code;
    if (negated === codes.neg) return { input, slope, factor: 1 };
    return negated === codes.sub ? { input, slope, factor: 2 } : undefined;
  }

  #floats(index: number): Float32Array {
    const { data, name } = this.#tensor(index);
    if (data instanceof Float32Array) return data;
    throw new Error(`${name} holds no numbers`);
  }

  #countChannels({ inputs }: TfliteOperator): number {
    return this.#tensor(inputs[1] ?? -1).shape[3] ?? 1;
  }

  #convolution(operator: TfliteOperator, output: string, order: number[], group: number): void {
    const [input = -1, weights = -1, bias = -1] = operator.inputs;
    const [kernel, dims] = this.#reorder(weights, order);
    const names = [
      this.#emit(input),
      this.#builder.floats(`${output}.weights`, dims, kernel),
      this.#builder.floats(`${output}.bias`, [dims[0] ?? 0], this.#floats(bias)),
    ];
    this.#builder.node(output, 'Conv', names, { ...this.#window(operator), group });
  }

  #reorder(weights: number, order: number[]): [Float32Array, number[]] {
    const { shape } = this.#tensor(weights);
    const [first = 0, second = 0, height = 0, width = 0] = order;
    const turned = this.#options.transposed === true ? [first, second, width, height] : order;
    return [permute(this.#floats(weights), shape, turned), turned.map((axis) => shape[axis] ?? 1)];
  }

  /** Padding and strides, whose fields are the same in the options of convolutions and poolings. */
  #window(operator: TfliteOperator): Record<string, Attribute> {
    const width = operator.option(1, 'int32') ?? 1;
    const height = operator.option(2, 'int32') ?? 1;
    const strides = this.#options.transposed === true ? [width, height] : [height, width];
    return { auto_pad: operator.option(0, 'int8') === 1 ? 'VALID' : 'SAME_UPPER', strides };
  }

  #maxPool(operator: TfliteOperator, output: string): void {
    const width = operator.option(3, 'int32') ?? 1;
    const height = operator.option(4, 'int32') ?? 1;
    this.#builder.node(output, 'MaxPool', [this.#emit(operator.inputs[0] ?? -1)], {
      ...this.#window(operator),
      kernel_shape: this.#options.transposed === true ? [width, height] : [height, width],
    });
  }

  /** The weights are reordered to the order in which a channels-first tensor is flattened. */
  #fullyConnected(operator: TfliteOperator, output: string): void {
    const [input = -1, weights = -1, bias = -1] = operator.inputs;
    const { shape } = this.#tensor(input);
    const [units = 0, features = 0] = this.#tensor(weights).shape;
    let values = this.#floats(weights);
    let flat = this.#emit(input);
    if (shape.length === 4) {
      const [, a = 1, b = 1, channels = 1] = shape;
      const order = this.#options.transposed === true ? [0, 3, 2, 1] : [0, 3, 1, 2];
      values = permute(values, [units, a, b, channels], order);
      this.#builder.node(`${output}.flat`, 'Flatten', [flat], { axis: 1 });
      flat = `${output}.flat`;
    }
    const names = [
      flat,
      this.#builder.floats(`${output}.weights`, [units, features], values),
      this.#builder.floats(`${output}.bias`, [units], this.#floats(bias)),
    ];
    this.#builder.node(output, 'Gemm', names, { transB: 1 });
  }
}

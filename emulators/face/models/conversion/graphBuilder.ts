import { encodeModel, type Attribute, type OnnxNode, type OnnxTensor, type OnnxValue } from './onnx.ts';

/** Builds an ONNX graph, channels first (NCHW). Each node has one output. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #tensors: OnnxTensor[] = [];
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];

  input(name: string, dims: number[]): void {
    this.#inputs.push({ name, dims });
  }

  output(name: string): void {
    this.#outputs.push({ name });
  }

  node(output: string, op: string, inputs: string[], attributes: Record<string, Attribute> = {}): void {
    this.#nodes.push({ op, inputs, output, attributes });
  }

  floats(name: string, dims: number[], data: Float32Array): string {
    this.#tensors.push({ name, dims, data });
    return name;
  }

  integers(name: string, values: number[]): string {
    this.#tensors.push({ name, dims: [values.length], data: BigInt64Array.from(values.map(BigInt)) });
    return name;
  }

  /**
   * x if it is positive, otherwise slope · x, with one slope per channel of [n, channels, …]. Emitted as (1 − slope) ·
   * relu(x) + slope · x: these operators keep the runtime's blocked memory layout, and MobileFaceNet takes a sixth less
   * time than with PRelu.
   */
  parametricRelu(output: string, input: string, slopes: Float32Array): void {
    this.node(`${output}.relu`, 'Relu', [input]);
    this.#scaled(
      `${output}.positive`,
      `${output}.relu`,
      slopes.map((slope) => 1 - slope),
    );
    this.#scaled(`${output}.whole`, input, slopes);
    this.node(output, 'Add', [`${output}.positive`, `${output}.whole`]);
  }

  #scaled(output: string, input: string, scales: Float32Array): void {
    const constant = (name: string, values: Float32Array) =>
      this.floats(`${output}.${name}`, [values.length], values);
    const none = constant(
      'none',
      scales.map(() => 0),
    );
    const one = constant(
      'one',
      scales.map(() => 1),
    );
    const inputs = [input, constant('scales', scales), none, none, one];
    this.node(output, 'BatchNormalization', inputs, { epsilon: { float: 0 } });
  }

  encode(): Buffer {
    return encodeModel({
      nodes: this.#nodes,
      tensors: this.#tensors,
      inputs: this.#inputs,
      outputs: this.#outputs,
    });
  }
}

/** Transposes a dense array: `order[i]` is the old dimension that becomes dimension i. */
export function permute(data: Float32Array, dims: readonly number[], order: readonly number[]): Float32Array {
  const strides = dims.map((_, index) => dims.slice(index + 1).reduce((product, dim) => product * dim, 1));
  const sizes = order.map((from) => dims[from] ?? 1);
  const steps = order.map((from) => strides[from] ?? 1);
  const result = new Float32Array(data.length);
  const index = sizes.map(() => 0);
  let offset = 0;
  for (let at = 0; at < result.length; at += 1) {
    result[at] = data[offset] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis -= 1) {
      index[axis] = (index[axis] ?? 0) + 1;
      offset += steps[axis] ?? 0;
      if ((index[axis] ?? 0) < (sizes[axis] ?? 0)) break;
      offset -= (steps[axis] ?? 0) * (sizes[axis] ?? 0);
      index[axis] = 0;
    }
  }
  return result;
}

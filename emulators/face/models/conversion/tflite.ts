/*
 * Parses TensorFlow Lite models: a flatbuffer of tables whose fields are found through a vtable. Field numbers are
 * those of TensorFlow's schema.fbs.
 */

export type TfliteTensor = { name: string; shape: number[]; data: Float32Array | Int32Array | undefined };

export type TfliteOperator = {
  code: number;
  inputs: number[];
  outputs: number[];
  /** A number in the operator's options; undefined for the schema's default. */
  option(field: number, kind: 'int8' | 'int32' | 'float'): number | undefined;
};

export type TfliteModel = {
  tensors: TfliteTensor[];
  operators: TfliteOperator[];
  inputs: number[];
  outputs: number[];
};

const float32 = 0;
const int32 = 2;

/** Parses a TensorFlow Lite model. @throws Error when the file has no graph, or a tensor of an unsupported type */
export function readTflite(bytes: Buffer): TfliteModel {
  const buffer = new FlatBuffer(bytes);
  const model = buffer.root();
  const codes = buffer.tables(model.field(1)).map((code) => {
    // Newer models have the code in field 3, since field 0 is one byte. The larger one is the code.
    return Math.max(buffer.int8(code.field(0)), buffer.int32(code.field(3)));
  });
  const contents = buffer.tables(model.field(4)).map((content) => buffer.slice(content.field(0)));
  const [graph] = buffer.tables(model.field(2));
  if (graph === undefined) throw new Error('a TensorFlow Lite model without a graph');
  return {
    tensors: buffer.tables(graph.field(0)).map((tensor) => {
      const content = contents[buffer.uint32(tensor.field(2))];
      return {
        name: buffer.slice(tensor.field(3)).toString('utf8'),
        shape: buffer.int32s(tensor.field(0)),
        data: content?.length ? toNumbers(content, buffer.int8(tensor.field(1))) : undefined,
      };
    }),
    operators: buffer.tables(graph.field(3)).map((operator) => ({
      code: codes[buffer.uint32(operator.field(0))] ?? -1,
      inputs: buffer.int32s(operator.field(1)),
      outputs: buffer.int32s(operator.field(2)),
      option: createOptionReader(buffer, operator.field(4)),
    })),
    inputs: buffer.int32s(graph.field(1)),
    outputs: buffer.int32s(graph.field(2)),
  };
}

function createOptionReader(buffer: FlatBuffer, at: number | undefined): TfliteOperator['option'] {
  const options = at === undefined ? undefined : buffer.table(at);
  return (field, kind) => {
    const found = options?.field(field);
    return found === undefined ? undefined : buffer[kind](found);
  };
}

/** Addresses of the fields of a table; undefined for a field that has the schema's default. */
type Table = { field(number: number): number | undefined };

/** Reads values at addresses in a flatbuffer. A value at an undefined address is zero or empty. */
class FlatBuffer {
  readonly #bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root(): Table {
    return this.table(0);
  }

  /** The table to which the reference at this address points. */
  table(reference: number): Table {
    const view = this.#view;
    const at = this.#follow(reference);
    const vtable = at - view.getInt32(at, true);
    const fields = (view.getUint16(vtable, true) - 4) / 2;
    return {
      field(number) {
        const offset = number < fields ? view.getUint16(vtable + 4 + number * 2, true) : 0;
        return offset === 0 ? undefined : at + offset;
      },
    };
  }

  tables(at: number | undefined): Table[] {
    const { start, length } = this.#vector(at);
    return Array.from({ length }, (_, index) => this.table(start + index * 4));
  }

  int32s(at: number | undefined): number[] {
    const { start, length } = this.#vector(at);
    return Array.from({ length }, (_, index) => this.#view.getInt32(start + index * 4, true));
  }

  /** The bytes of a vector of bytes or of a text. */
  slice(at: number | undefined): Buffer {
    const { start, length } = this.#vector(at);
    return this.#bytes.subarray(start, start + length);
  }

  uint32(at: number | undefined): number {
    return at === undefined ? 0 : this.#view.getUint32(at, true);
  }

  int32(at: number | undefined): number {
    return at === undefined ? 0 : this.#view.getInt32(at, true);
  }

  int8(at: number | undefined): number {
    return at === undefined ? 0 : this.#view.getInt8(at);
  }

  float(at: number | undefined): number {
    return at === undefined ? 0 : this.#view.getFloat32(at, true);
  }

  #follow(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  #vector(at: number | undefined): { start: number; length: number } {
    if (at === undefined) return { start: 0, length: 0 };
    const vector = this.#follow(at);
    return { start: vector + 4, length: this.#view.getUint32(vector, true) };
  }
}

function toNumbers(bytes: Buffer, type: number): Float32Array | Int32Array {
  // Copied, since a flatbuffer need not be aligned.
  const { buffer } = new Uint8Array(bytes);
  if (type === float32) return new Float32Array(buffer);
  if (type === int32) return new Int32Array(buffer);
  throw new Error(`tensors of type ${type} are not supported`);
}

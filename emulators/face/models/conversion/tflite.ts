/*
 * Reads TensorFlow Lite models: a flatbuffer of tables whose fields are found through a vtable. Field numbers are
 * those of TensorFlow's schema.fbs.
 */

export type TfliteTensor = { name: string; shape: number[]; data: Float32Array | Int32Array | undefined };

export type TfliteOperator = {
  code: number;
  inputs: number[];
  outputs: number[];
  /** A number field of the operator's options; undefined when it has the schema's default. */
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

type Table = { at: number; field(number: number): number | undefined };

export function readTflite(bytes: Buffer): TfliteModel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const follow = (at: number) => at + view.getUint32(at, true);
  const tableAt = (at: number): Table => {
    const vtable = at - view.getInt32(at, true);
    const fields = (view.getUint16(vtable, true) - 4) / 2;
    return {
      at,
      field(number) {
        const offset = number < fields ? view.getUint16(vtable + 4 + number * 2, true) : 0;
        return offset === 0 ? undefined : at + offset;
      },
    };
  };
  const vectorAt = (at: number | undefined): { start: number; length: number } => {
    if (at === undefined) return { start: 0, length: 0 };
    const vector = follow(at);
    return { start: vector + 4, length: view.getUint32(vector, true) };
  };
  const tables = (at: number | undefined): Table[] => {
    const { start, length } = vectorAt(at);
    return Array.from({ length }, (_, index) => tableAt(follow(start + index * 4)));
  };
  const int32s = (at: number | undefined): number[] => {
    const { start, length } = vectorAt(at);
    return Array.from({ length }, (_, index) => view.getInt32(start + index * 4, true));
  };
  const text = (at: number | undefined): string => {
    const { start, length } = vectorAt(at);
    return bytes.toString('utf8', start, start + length);
  };
  const uint32 = (at: number | undefined) => (at === undefined ? 0 : view.getUint32(at, true));
  const int8 = (at: number | undefined) => (at === undefined ? 0 : view.getInt8(at));

  const model = tableAt(follow(0));
  const codes = tables(model.field(1)).map((code) =>
    // Newer models keep the code in field 3, since the first one has a byte only.
    Math.max(int8(code.field(0)), code.field(3) === undefined ? 0 : view.getInt32(code.field(3) ?? 0, true)),
  );
  const buffers = tables(model.field(4)).map((buffer) => vectorAt(buffer.field(0)));
  const [graph] = tables(model.field(2));
  if (graph === undefined) throw new Error('a TensorFlow Lite model without a graph');

  const tensors = tables(graph.field(0)).map((tensor): TfliteTensor => {
    const buffer = buffers[uint32(tensor.field(2))] ?? { start: 0, length: 0 };
    const content = bytes.subarray(buffer.start, buffer.start + buffer.length);
    return {
      name: text(tensor.field(3)),
      shape: int32s(tensor.field(0)),
      data: buffer.length === 0 ? undefined : dataOf(content, int8(tensor.field(1))),
    };
  });
  const operators = tables(graph.field(3)).map((operator): TfliteOperator => {
    const at = operator.field(4);
    const options = at === undefined ? undefined : tableAt(follow(at));
    return {
      code: codes[uint32(operator.field(0))] ?? -1,
      inputs: int32s(operator.field(1)),
      outputs: int32s(operator.field(2)),
      option(field, kind) {
        const found = options?.field(field);
        if (found === undefined) return undefined;
        if (kind === 'int8') return view.getInt8(found);
        return kind === 'int32' ? view.getInt32(found, true) : view.getFloat32(found, true);
      },
    };
  });
  return { tensors, operators, inputs: int32s(graph.field(1)), outputs: int32s(graph.field(2)) };
}

function dataOf(bytes: Buffer, type: number): Float32Array | Int32Array {
  // A copy, since the flatbuffer need not be aligned.
  const { buffer } = new Uint8Array(bytes);
  if (type === float32) return new Float32Array(buffer);
  if (type === int32) return new Int32Array(buffer);
  throw new Error(`tensors of type ${type} are not supported`);
}

/*
 * Encodes ONNX models: the messages of onnx.proto that a feed-forward network needs, in protobuf's wire format. Field
 * numbers are those of onnx.proto (IR version 8, operator set 13).
 */

export type Attribute = number | string | number[] | { float: number };

export type OnnxNode = {
  op: string;
  inputs: string[];
  output: string;
  attributes: Record<string, Attribute>;
};

export type OnnxTensor = { name: string; dims: number[]; data: Float32Array | BigInt64Array };

/** A dimension of 0 stands for any size. A value without `dims` has any shape, as outputs do. */
export type OnnxValue = { name: string; dims?: number[] };

export type OnnxGraph = {
  nodes: OnnxNode[];
  tensors: OnnxTensor[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
};

const irVersion = 8;
const operatorSet = 13;
const floatType = 1;
const int64Type = 7;

/** Encoded bytes in pieces, so that tensors of many megabytes are copied only once, at the end. */
type Pieces = Buffer[];

export function encodeModel(graph: OnnxGraph): Buffer {
  return Buffer.concat([
    ...varintField(1, irVersion),
    ...messageField(7, encodeGraph(graph)),
    ...messageField(8, [...textField(1, ''), ...varintField(2, operatorSet)]),
  ]);
}

function encodeGraph({ nodes, tensors, inputs, outputs }: OnnxGraph): Pieces {
  return [
    ...nodes.flatMap((node) => messageField(1, encodeNode(node))),
    ...textField(2, 'graph'),
    ...tensors.flatMap((tensor) => messageField(5, encodeTensor(tensor))),
    ...inputs.flatMap((input) => messageField(11, encodeValue(input))),
    ...outputs.flatMap((output) => messageField(12, encodeValue(output))),
  ];
}

function encodeNode({ op, inputs, output, attributes }: OnnxNode): Pieces {
  return [
    ...inputs.flatMap((input) => textField(1, input)),
    ...textField(2, output),
    ...textField(3, output),
    ...textField(4, op),
    ...Object.entries(attributes).flatMap(([name, value]) => messageField(5, encodeAttribute(name, value))),
  ];
}

function encodeAttribute(name: string, value: Attribute): Pieces {
  const [kind, content] = attributeContent(value);
  return [...textField(1, name), ...content, ...varintField(20, kind)];
}

function attributeContent(value: Attribute): [kind: number, content: Pieces] {
  if (typeof value === 'number') return [2, varintField(3, value)];
  if (typeof value === 'string') return [3, textField(4, value)];
  if (Array.isArray(value)) return [7, value.flatMap((item) => varintField(8, item))];
  const float = Buffer.alloc(5);
  float[0] = tag(2, 5);
  float.writeFloatLE(value.float, 1);
  return [1, [float]];
}

function encodeTensor({ name, dims, data }: OnnxTensor): Pieces {
  const type = data instanceof Float32Array ? floatType : int64Type;
  return [
    ...dims.flatMap((dim) => varintField(1, dim)),
    ...varintField(2, type),
    ...textField(8, name),
    ...messageField(9, [Buffer.from(data.buffer, data.byteOffset, data.byteLength)]),
  ];
}

function encodeValue({ name, dims }: OnnxValue): Pieces {
  const shape = dims?.flatMap((dim, index) =>
    messageField(1, dim === 0 ? textField(2, `any${index}`) : varintField(1, dim)),
  );
  const tensor = [...varintField(1, floatType), ...(shape === undefined ? [] : messageField(2, shape))];
  return [...textField(1, name), ...messageField(2, messageField(1, tensor))];
}

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  // Negative numbers are encoded as 64-bit two's complement, in ten bytes.
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

function varintField(field: number, value: number): Pieces {
  return [varint(tag(field, 0)), varint(value)];
}

function messageField(field: number, content: Pieces): Pieces {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  return [varint(tag(field, 2)), varint(length), ...content];
}

function textField(field: number, text: string): Pieces {
  return messageField(field, [Buffer.from(text, 'utf8')]);
}

import { createRequire } from 'node:module';
import type * as Runtime from 'onnxruntime-common';

// onnxruntime-node 1.16 has no types; onnxruntime-common declares its interface.
const runtime = createRequire(import.meta.url)('onnxruntime-node') as typeof Runtime;

export const { InferenceSession, Tensor } = runtime;
export type Network = Runtime.InferenceSession;
export type SessionOptions = Runtime.InferenceSession.SessionOptions;
export type NetworkInput = Runtime.Tensor;

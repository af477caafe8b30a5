import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { basename, dirname, join } from 'node:path';
import sharp from 'sharp';
import type { Rectangle } from '../vision.ts';

/*
 * The detectors of @vladmandic/face-api (SSD MobileNet) and @vladmandic/human (BlazeFace) as they are, with the
 * thresholds they come with. Both bring TensorFlow.js, of which only the backend in plain JavaScript runs in Node
 * without further downloads: what they find is compared, how long they take is not.
 */

export type Detect = (bytes: Uint8Array) => Promise<Rectangle[]>;

type Tensor = { dispose(): void };
type Tensorflow = {
  env(): { setPlatform(name: string, platform: object): void };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor3d(values: Int32Array, shape: number[], type: string): Tensor;
  tensor4d(values: Float32Array, shape: number[]): Tensor;
};
type FaceApi = {
  tf: Tensorflow;
  env: { setEnv(environment: object): void };
  nets: { ssdMobilenetv1: { loadFromDisk(folder: string): Promise<void> } };
  SsdMobilenetv1Options: new (options: object) => object;
  detectAllFaces(
    tensor: Tensor,
    options: object,
  ): Promise<{ box: { x: number; y: number; width: number; height: number } }[]>;
};
type HumanModule = {
  Human: new (config: object) => {
    tf: Tensorflow;
    detect(tensor: Tensor): Promise<{ face: { box: [number, number, number, number] }[] }>;
  };
};

const threshold = 0.5;
const mostFaces = 100;

/** TensorFlow.js asks its platform for these; its own ones for Node are not in the bundles. */
const platform = {
  fetch: (url: string, options: RequestInit) => globalThis.fetch(url, options),
  now: () => performance.now(),
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
  isTypedArray: (value: unknown) => ArrayBuffer.isView(value) && !(value instanceof DataView),
};

function folderOf(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name} is not installed`);
  return dirname(file);
}

/** Imports a bundle that was made for browsers: where it sees Node it looks for what it does not bring. */
async function importBundle<Module>(file: string): Promise<Module> {
  const { versions } = process;
  const define = (value: object) => Object.defineProperty(process, 'versions', { value, configurable: true });
  define({ ...versions, node: undefined });
  try {
    return (await import(file)) as Module;
  } finally {
    define(versions);
  }
}

async function usePlainBackend(tf: Tensorflow): Promise<void> {
  tf.env().setPlatform('here', platform);
  await tf.setBackend('cpu');
  await tf.ready();
}

async function pixelsOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .autoOrient()
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, shape: [info.height, info.width, 3] };
}

export async function loadFaceApi(): Promise<Detect> {
  const folder = folderOf('@vladmandic/face-api');
  const faceApi = await importBundle<FaceApi>(join(folder, 'dist/face-api.esm.js'));
  await usePlainBackend(faceApi.tf);
  // It asks whether things are of these classes.
  const nothing = Map;
  faceApi.env.setEnv({
    ...{ Canvas: nothing, CanvasRenderingContext2D: nothing, Image: nothing, ImageData: nothing },
    ...{ Video: nothing, createCanvasElement: () => ({}), createImageElement: () => ({}) },
    readFile: async (file: string) => readFileSync(file),
  });
  await faceApi.nets.ssdMobilenetv1.loadFromDisk(join(folder, 'model'));
  const options = new faceApi.SsdMobilenetv1Options({ minConfidence: threshold, maxResults: mostFaces });
  return async (bytes) => {
    const { data, shape } = await pixelsOf(bytes);
    const tensor = faceApi.tf.tensor3d(new Int32Array(data), shape, 'int32');
    const found = await faceApi.detectAllFaces(tensor, options);
    tensor.dispose();
    return found.map(({ box: { x, y, width, height } }) => ({ left: x, top: y, width, height }));
  };
}

/** It loads its models over HTTP only; what it asks for is read from the package. */
function answerFrom(folder: string, base: string): void {
  const { fetch } = globalThis;
  globalThis.fetch = async (input, options) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(base)) return fetch(input, options);
    const type = url.endsWith('json') ? 'application/json' : 'application/octet-stream';
    const bytes = readFileSync(join(folder, basename(url)));
    return new Response(new Uint8Array(bytes), { headers: { 'content-type': type } });
  };
}

export async function loadHuman(): Promise<Detect> {
  const folder = folderOf('@vladmandic/human');
  const base = 'http://models.invalid/';
  answerFrom(join(folder, 'models'), base);
  const { Human } = await importBundle<HumanModule>(join(folder, 'dist/human.esm.js'));
  const off = { enabled: false };
  const human = new Human({
    backend: 'cpu',
    modelBasePath: base,
    cacheModels: false,
    debug: false,
    filter: off,
    ...{ body: off, hand: off, gesture: off, object: off, segmentation: off },
    face: {
      enabled: true,
      detector: { rotation: false, maxDetected: mostFaces, minConfidence: threshold },
      ...{ mesh: off, iris: off, description: off, emotion: off },
    },
  });
  await usePlainBackend(human.tf);
  return async (bytes) => {
    const { data, shape } = await pixelsOf(bytes);
    const tensor = human.tf.tensor4d(new Float32Array(data), [1, ...shape]);
    const { face } = await human.detect(tensor);
    tensor.dispose();
    return face.map(({ box: [left, top, width, height] }) => ({ left, top, width, height }));
  };
}

import { readFileSync } from 'node:fs';
import { createRequire, findPackageJSON } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decode } from '../../emulators/face/models/image/decode.ts';
import type { Rectangle } from '../../emulators/face/contract/vision.ts';

/*
 * The detectors of @vladmandic/face-api (SSD MobileNet) and @vladmandic/human (BlazeFace), with their default
 * thresholds, on one thread. Both packages contain TensorFlow.js and its WebAssembly backend, but not the binary of the
 * backend, which @tensorflow/tfjs-backend-wasm contains (also in NODE_PATH). The project does not depend on that
 * package, since it has 26 MB for a file of 425 kB. Without it the JavaScript backend finds the same faces, much more
 * slowly.
 */

export type Detect = (bytes: Uint8Array) => Promise<Rectangle[]>;

/** Detectors by name, and the backend that they run on. */
export type Peers = { backend: string; detectors: Record<string, Detect> };

type Tensor = { dispose(): void };
type Tensorflow = {
  env(): { setPlatform(name: string, platform: object): void; set(flag: string, value: boolean): void };
  setWasmPaths(folder: string, usePlatformFetch: boolean): void;
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
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

const mostFaces = 100;

const wasmPackage = '@tensorflow/tfjs-backend-wasm';
const wasmFile = 'tfjs-backend-wasm-simd.wasm';
/** Requests of the bundles below this address are answered from files of the packages, without network. */
const base = 'http://models.invalid/';

/** The platform for TensorFlow.js, whose own platform for Node is not in the bundles. */
const platform = {
  fetch: (url: string, options: RequestInit) => globalThis.fetch(url, options),
  now: () => performance.now(),
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
  isTypedArray: (value: unknown) => ArrayBuffer.isView(value) && !(value instanceof DataView),
};

export async function loadPeers(): Promise<Peers> {
  const wasmFolder = installedWasm();
  const human = findPackageFolder('@vladmandic/human');
  answerFrom([join(human, 'models'), ...(wasmFolder === undefined ? [] : [wasmFolder])]);
  const use = (tf: Tensorflow) => useBackend(tf, wasmFolder !== undefined);
  const detectors = {
    'face-api': await loadFaceApi(use),
    human: await loadHuman(human, use, {}),
    'human from 0.5': await loadHuman(human, use, { minConfidence: 0.5 }),
  };
  const backend =
    wasmFolder === undefined
      ? `plain JavaScript, whose times say nothing: npm install --no-save ${wasmPackage}@4.22.0`
      : 'WebAssembly with SIMD';
  return { backend, detectors };
}

function findPackageFolder(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  if (file === undefined) throw new Error(`the package ${name} is not installed`);
  return dirname(file);
}

function installedWasm(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${wasmPackage}/dist/${wasmFile}`));
  } catch {
    return undefined;
  }
}

/** Imports a bundle for browsers, which in Node would require modules that are not in the bundle. */
async function importBundle<Module>(file: string): Promise<Module> {
  return asBrowser(async () => (await import(pathToFileURL(file).href)) as Module);
}

async function asBrowser<Value>(work: () => Promise<Value>): Promise<Value> {
  const { versions } = process;
  const define = (value: object) => Object.defineProperty(process, 'versions', { value, configurable: true });
  define({ ...versions, node: undefined });
  try {
    return await work();
  } finally {
    define(versions);
  }
}

async function useBackend(tf: Tensorflow, wasm: boolean): Promise<void> {
  tf.env().setPlatform('here', platform);
  // The bundles share TensorFlow.js's global registry: otherwise the second one warns about each of a hundred kernels.
  tf.env().set('PROD', true);
  if (wasm) {
    tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
    tf.setWasmPaths(base, true);
  }
  const name = wasm ? 'wasm' : 'cpu';
  await asBrowser(async () => {
    await tf.setBackend(name);
    await tf.ready();
  });
  if (tf.getBackend() !== name) throw new Error(`TensorFlow.js runs on ${tf.getBackend()}, not on ${name}`);
}

/** Answers requests from files: human loads its models over HTTP only, and TensorFlow.js its binary. */
function answerFrom(folders: readonly string[]): void {
  // Node creates these globals at the first access, which must happen before `process.versions.node` is hidden.
  const { fetch, Request, Response } = globalThis;
  globalThis.fetch = async (input, options) => {
    const url = input instanceof Request ? input.url : String(input);
    if (!url.startsWith(base)) return fetch(input, options);
    const type = url.endsWith('json') ? 'application/json' : 'application/octet-stream';
    const name = basename(url);
    const folder = folders[name === wasmFile ? folders.length - 1 : 0] ?? '';
    const bytes = readFileSync(join(folder, name));
    return new Response(new Uint8Array(bytes), { headers: { 'content-type': type } });
  };
}

async function loadFaceApi(use: (tf: Tensorflow) => Promise<void>): Promise<Detect> {
  const folder = findPackageFolder('@vladmandic/face-api');
  const faceApi = await importBundle<FaceApi>(join(folder, 'dist/face-api.esm.js'));
  await use(faceApi.tf);
  // face-api checks its inputs against these classes. No input is a Map.
  const nothing = Map;
  faceApi.env.setEnv({
    ...{ Canvas: nothing, CanvasRenderingContext2D: nothing, Image: nothing, ImageData: nothing },
    ...{ Video: nothing, createCanvasElement: () => ({}), createImageElement: () => ({}) },
    readFile: async (file: string) => readFileSync(file),
  });
  await faceApi.nets.ssdMobilenetv1.loadFromDisk(join(folder, 'model'));
  const options = new faceApi.SsdMobilenetv1Options({ maxResults: mostFaces });
  return async (bytes) => {
    const { data, shape, rectangle } = await decodePixels(bytes);
    const tensor = faceApi.tf.tensor3d(new Int32Array(data), shape, 'int32');
    const found = await faceApi.detectAllFaces(tensor, options);
    tensor.dispose();
    return found.map(({ box: { x, y, width, height } }) => rectangle(x, y, width, height));
  };
}

/** The decoded pixels of an image, and a function from rectangles on the pixels to rectangles on the image. */
async function decodePixels(bytes: Uint8Array) {
  const { data, width, height, shrunk = 1 } = await decode(bytes);
  return {
    data,
    shape: [Math.ceil(height / shrunk), Math.ceil(width / shrunk), 3],
    rectangle: (left: number, top: number, wide: number, high: number): Rectangle => ({
      left: left * shrunk,
      top: top * shrunk,
      width: wide * shrunk,
      height: high * shrunk,
    }),
  };
}

/** `threshold` replaces the default of human, 0.2, if it has a property. */
async function loadHuman(
  folder: string,
  use: (tf: Tensorflow) => Promise<void>,
  threshold: { minConfidence?: number },
): Promise<Detect> {
  const { Human } = await importBundle<HumanModule>(join(folder, 'dist/human.esm.js'));
  const off = { enabled: false };
  const human = new Human({
    backend: '',
    modelBasePath: base,
    cacheModels: false,
    debug: false,
    filter: off,
    ...{ body: off, hand: off, gesture: off, object: off, segmentation: off },
    face: {
      enabled: true,
      detector: { rotation: false, maxDetected: mostFaces, ...threshold },
      ...{ mesh: off, iris: off, description: off, emotion: off },
    },
  });
  await use(human.tf);
  return async (bytes) => {
    const { data, shape, rectangle } = await decodePixels(bytes);
    const tensor = human.tf.tensor4d(new Float32Array(data), [1, ...shape]);
    const { face } = await human.detect(tensor);
    tensor.dispose();
    return face.map(({ box: [left, top, width, height] }) => rectangle(left, top, width, height));
  };
}

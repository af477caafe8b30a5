import { Tensor, type Network, type NetworkInput } from './runtime.ts';
import type { Point } from '../vision.ts';
import { regressed, squared, withoutOverlaps, type Box } from './boxes.ts';
import { cut, planar, resize, type Pixels } from './image.ts';
import type { Networks } from './sessions.ts';

/** A face with its eyes, nose and corners of the mouth (left first, as seen). */
export type DetectedFace = Box & { points: Point[] };

// Of the published method: smallest window, pyramid factor, thresholds of the three networks.
const window = 12;
const stride = 2;
const pyramidFactor = 0.709;
const thresholds = { proposal: 0.6, refine: 0.7, output: 0.7 } as const;
const offset = 127.5;
const scale = 1 / 128;
/** At most so many candidates go to the second network: a picture of noise has thousands. */
const candidatesAtMost = 600;

/** Finds faces by the cascade of MTCNN: proposals over a pyramid, refined twice. */
export async function detectByMtcnn(
  networks: Networks,
  image: Pixels,
  smallestFace: number,
): Promise<DetectedFace[]> {
  const proposals = await propose(networks.proposal, image, smallestFace);
  const refined = await refine(networks.refine, image, proposals);
  return finish(networks.output, image, refined);
}

async function propose(network: Network, image: Pixels, smallestFace: number): Promise<Box[]> {
  const boxes: Box[] = [];
  let level = image;
  for (let factor = window / smallestFace; ; factor *= pyramidFactor) {
    const width = Math.ceil(image.width * factor);
    const height = Math.ceil(image.height * factor);
    if (Math.min(width, height) < window) break;
    // Each level from the one before it: resizing gets cheaper with every step.
    level = await resize(level, width, height);
    boxes.push(...withoutOverlaps(await proposeAt(network, level, image), 0.5));
  }
  return withoutOverlaps(boxes, 0.7).slice(0, candidatesAtMost).map(squared);
}

async function proposeAt(network: Network, level: Pixels, image: Pixels): Promise<Box[]> {
  const input = new Tensor('float32', planar(level, offset, scale), [1, 3, level.height, level.width]);
  const [logits, regression] = await run(network, input);
  const [, , rows = 0, columns = 0] = logits.dims;
  const plane = rows * columns;
  const boxes: Box[] = [];
  const toX = image.width / level.width;
  const toY = image.height / level.height;
  for (let index = 0; index < plane; index += 1) {
    const score = faceness(logits.data[index] ?? 0, logits.data[index + plane] ?? 0);
    if (score < thresholds.proposal) continue;
    const x = (index % columns) * stride;
    const y = Math.floor(index / columns) * stride;
    const box = { x1: x * toX, y1: y * toY, x2: (x + window) * toX, y2: (y + window) * toY, score };
    const shifts = [0, 1, 2, 3].map((part) => regression.data[index + part * plane] ?? 0);
    boxes.push(regressed(box, shifts));
  }
  return boxes;
}

async function refine(network: Network, image: Pixels, boxes: Box[]): Promise<Box[]> {
  const refined: Box[] = [];
  for (const { box, outputs, index } of await runOnCrops(network, image, boxes, 24)) {
    const [logits, regression] = outputs;
    const score = faceness(logits?.[index * 2] ?? 0, logits?.[index * 2 + 1] ?? 0);
    if (score < thresholds.refine) continue;
    const shifts = [...(regression ?? []).slice(index * 4, index * 4 + 4)];
    refined.push(squared(regressed({ ...box, score }, shifts)));
  }
  return withoutOverlaps(refined, 0.7);
}

async function finish(network: Network, image: Pixels, boxes: Box[]): Promise<DetectedFace[]> {
  const faces: DetectedFace[] = [];
  for (const { box, outputs, index } of await runOnCrops(network, image, boxes, 48)) {
    const [logits, regression, marks] = outputs;
    const score = faceness(logits?.[index * 2] ?? 0, logits?.[index * 2 + 1] ?? 0);
    if (score < thresholds.output) continue;
    const width = box.x2 - box.x1;
    const height = box.y2 - box.y1;
    // Relative to the square before its regression: five x, then five y.
    const points = [0, 1, 2, 3, 4].map((point) => ({
      x: box.x1 + (marks?.[index * 10 + point] ?? 0) * width,
      y: box.y1 + (marks?.[index * 10 + 5 + point] ?? 0) * height,
    }));
    const shifts = [...(regression ?? []).slice(index * 4, index * 4 + 4)];
    faces.push(regressed({ ...box, score, points }, shifts));
  }
  return withoutOverlaps(faces, 0.7, 'smaller');
}

const cropsAtOnce = 64;

/** Runs a network on square crops of the picture, some at a time. */
async function runOnCrops(network: Network, image: Pixels, boxes: readonly Box[], size: number) {
  const results: { box: Box; outputs: Float32Array[]; index: number }[] = [];
  for (let start = 0; start < boxes.length; start += cropsAtOnce) {
    const some = boxes.slice(start, start + cropsAtOnce);
    const values = new Float32Array(some.length * 3 * size * size);
    for (const [index, { x1, y1, x2 }] of some.entries()) {
      const a = (x2 - x1) / size;
      const toPicture = { a, b: 0, c: x1 + a / 2 - 0.5, d: y1 + a / 2 - 0.5 };
      cut(image, toPicture, size, values, index * 3 * size * size, { offset, scale, outside: 0 });
    }
    const answers = await run(network, new Tensor('float32', values, [some.length, 3, size, size]));
    const outputs = answers.map(({ data }) => data);
    results.push(...some.map((box, index) => ({ box, outputs, index })));
  }
  return results;
}

type Answer = { data: Float32Array; dims: readonly number[] };

async function run(network: Network, input: NetworkInput): Promise<[Answer, Answer, ...Answer[]]> {
  const answer = await network.run({ input });
  const answers = network.outputNames.map((name) => {
    const tensor = answer[name];
    if (tensor === undefined || !(tensor.data instanceof Float32Array))
      throw new Error('a network gave no numbers');
    return { data: tensor.data, dims: tensor.dims };
  });
  const [first, second, ...rest] = answers;
  if (first === undefined || second === undefined) throw new Error('a network gave too few outputs');
  return [first, second, ...rest];
}

/** The second value of a softmax over two. */
function faceness(other: number, face: number): number {
  return 1 / (1 + Math.exp(other - face));
}

import type { Point } from '../contract/vision.ts';
import { Tensor, type Network } from './runtime.ts';
import { withoutOverlaps, type Box } from './boxes.ts';
import type { ImagePyramid } from './image/pyramid.ts';
import { levelCrop } from './image/similarity.ts';

/** A box from brow to chin, and the eyes (first the left one on an upright face). */
export type BlazeFaceDetection = Box & { eyes: [left: Point, right: Point] };

const size = 256;
const leastScore = 0.3;
const numbersPerAnchor = 16;
/** Side of the square in `detectNear`, in sides of the box. */
const nearFactor = 2.5;

/** The centres of the anchors: 2 for each of 16 × 16 cells, then 6 for each of 8 × 8 cells. */
const anchors = [
  { cells: 16, each: 2 },
  { cells: 8, each: 6 },
].flatMap(({ cells, each }) =>
  Array.from({ length: cells * cells * each }, (_, index) => {
    const cell = Math.floor(index / each);
    return { x: ((cell % cells) + 0.5) / cells, y: (Math.floor(cell / cells) + 0.5) / cells };
  }),
);

/**
 * Finds faces with BlazeFace, also masked and turned faces, from a tenth of the width of the image on. Its result only
 * supplements that of the cascade.
 */
export async function detectByBlazeFace(
  network: Network,
  image: ImagePyramid,
): Promise<BlazeFaceDetection[]> {
  const { width, height } = image;
  return detectInSquare(network, image, { x: width / 2, y: height / 2, side: Math.max(width, height) });
}

/** Finds the face at a box again in a crop around it, which makes its place exact. */
export async function detectNear(
  network: Network,
  image: ImagePyramid,
  { x1, y1, x2, y2 }: Box,
): Promise<BlazeFaceDetection | undefined> {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const found = await detectInSquare(network, image, { x, y, side: nearFactor * Math.max(x2 - x1, y2 - y1) });
  return found.find((face) => face.x1 < x && face.x2 > x && face.y1 < y && face.y2 > y);
}

/** The faces in a square around (x, y), most likely first. */
async function detectInSquare(
  network: Network,
  image: ImagePyramid,
  { x, y, side }: { x: number; y: number; side: number },
): Promise<BlazeFaceDetection[]> {
  const left = x - side / 2;
  const top = y - side / 2;
  const crop = levelCrop(left, top, side / size);
  const normalization = { offset: 127.5, scale: 1 / 127.5 };
  const values = image.cut([crop], { width: size, height: size }, normalization);
  const answer = await network.run({ input: new Tensor('float32', values, [1, 3, size, size]) });
  const [scores1, scores2, boxes1, boxes2] = network.outputNames.map(
    (name) => answer[name]?.data as Float32Array,
  );
  const scores = [...(scores1 ?? []), ...(scores2 ?? [])];
  const inFirst = scores1?.length ?? 0;
  const readNumbers = (anchor: number) => {
    const [numbers, at] = anchor < inFirst ? [boxes1, anchor] : [boxes2, anchor - inFirst];
    return numbers?.subarray(at * numbersPerAnchor, (at + 1) * numbersPerAnchor) ?? [];
  };
  const found: BlazeFaceDetection[] = [];
  for (const [index, anchor] of anchors.entries()) {
    const score = 1 / (1 + Math.exp(-(scores[index] ?? -Infinity)));
    if (score < leastScore) continue;
    const own = readNumbers(index);
    const [dx = 0, dy = 0, width = 0, height = 0, leftX = 0, leftY = 0, rightX = 0, rightY = 0] = own;
    const toImagePoint = (right: number, down: number): Point => ({
      x: left + (anchor.x + right / size) * side,
      y: top + (anchor.y + down / size) * side,
    });
    const start = toImagePoint(dx - width / 2, dy - height / 2);
    const end = toImagePoint(dx + width / 2, dy + height / 2);
    const eyes: BlazeFaceDetection['eyes'] = [toImagePoint(leftX, leftY), toImagePoint(rightX, rightY)];
    found.push({ x1: start.x, y1: start.y, x2: end.x, y2: end.y, score, eyes });
  }
  return withoutOverlaps(found, 0.3);
}

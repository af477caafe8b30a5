import type { Point } from '../contract/vision.ts';
import { Tensor, type Network } from './runtime.ts';
import { withoutOverlaps, type Box } from './boxes.ts';
import type { Picture } from './image/picture.ts';
import { levelCrop } from './image/similarity.ts';

/** What BlazeFace sees: a box from brow to chin, and the eyes (the one that is left on an upright face first). */
export type SecondOpinion = Box & { eyes: [left: Point, right: Point] };

const size = 256;
const least = 0.3;
const numbersEach = 16;
/** Side of the square for a closer look, in sides of what was seen. */
const closer = 2.5;

/** The centres of the anchors: 2 for each of 16 × 16 cells, then 6 for each of 8 × 8. */
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
 * Finds faces by BlazeFace: those that are a tenth as wide as the picture and more, masked and turned ones too. A
 * second opinion, not a first.
 */
export async function detectByBlazeFace(network: Network, picture: Picture): Promise<SecondOpinion[]> {
  const { width, height } = picture;
  return lookAtSquare(network, picture, { x: width / 2, y: height / 2, side: Math.max(width, height) });
}

/** Looks again at what was seen from far: where exactly the face is, is seen only from near. */
export async function lookCloser(
  network: Network,
  picture: Picture,
  { x1, y1, x2, y2 }: Box,
): Promise<SecondOpinion | undefined> {
  const [x, y] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const seen = await lookAtSquare(network, picture, { x, y, side: closer * Math.max(x2 - x1, y2 - y1) });
  return seen.find((face) => face.x1 < x && face.x2 > x && face.y1 < y && face.y2 > y);
}

/** A square around its middle, most likely first. */
async function lookAtSquare(
  network: Network,
  picture: Picture,
  { x, y, side }: { x: number; y: number; side: number },
): Promise<SecondOpinion[]> {
  const left = x - side / 2;
  const top = y - side / 2;
  const crop = levelCrop(left, top, side / size);
  const normalization = { offset: 127.5, scale: 1 / 127.5 };
  const values = picture.cut([crop], { width: size, height: size }, normalization);
  const answer = await network.run({ input: new Tensor('float32', values, [1, 3, size, size]) });
  const [scores1, scores2, boxes1, boxes2] = network.outputNames.map(
    (name) => answer[name]?.data as Float32Array,
  );
  const scores = [...(scores1 ?? []), ...(scores2 ?? [])];
  const inFirst = scores1?.length ?? 0;
  const numbersOf = (anchor: number) => {
    const [numbers, at] = anchor < inFirst ? [boxes1, anchor] : [boxes2, anchor - inFirst];
    return numbers?.subarray(at * numbersEach, (at + 1) * numbersEach) ?? [];
  };
  const found: SecondOpinion[] = [];
  for (const [index, anchor] of anchors.entries()) {
    const score = 1 / (1 + Math.exp(-(scores[index] ?? -Infinity)));
    if (score < least) continue;
    const own = numbersOf(index);
    const [dx = 0, dy = 0, width = 0, height = 0, leftX = 0, leftY = 0, rightX = 0, rightY = 0] = own;
    const inPicture = (right: number, down: number): Point => ({
      x: left + (anchor.x + right / size) * side,
      y: top + (anchor.y + down / size) * side,
    });
    const start = inPicture(dx - width / 2, dy - height / 2);
    const end = inPicture(dx + width / 2, dy + height / 2);
    const eyes: SecondOpinion['eyes'] = [inPicture(leftX, leftY), inPicture(rightX, rightY)];
    found.push({ x1: start.x, y1: start.y, x2: end.x, y2: end.y, score, eyes });
  }
  return withoutOverlaps(found, 0.3);
}

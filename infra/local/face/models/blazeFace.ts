import { Tensor, type Network } from './runtime.ts';
import { withoutOverlaps, type Box } from './boxes.ts';
import { cut, type Pixels } from './image.ts';

const size = 256;
const least = 0.3;

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

/** Finds faces by BlazeFace: large ones, masked and turned ones too. A second opinion, not a first. */
export async function detectByBlazeFace(network: Network, image: Pixels): Promise<Box[]> {
  const side = Math.max(image.width, image.height);
  const a = side / size;
  const left = (image.width - side) / 2;
  const top = (image.height - side) / 2;
  const values = new Float32Array(3 * size * size);
  cut(image, { a, b: 0, c: left + a / 2 - 0.5, d: top + a / 2 - 0.5 }, size, values, 0, {
    offset: 127.5,
    scale: 1 / 127.5,
  });
  const answer = await network.run({ input: new Tensor('float32', values, [1, 3, size, size]) });
  const [scores1, scores2, boxes1, boxes2] = network.outputNames.map(
    (name) => answer[name]?.data as Float32Array,
  );
  const scores = [...(scores1 ?? []), ...(scores2 ?? [])];
  const numbers = [...(boxes1 ?? []), ...(boxes2 ?? [])];
  const found: Box[] = [];
  for (const [index, anchor] of anchors.entries()) {
    const score = 1 / (1 + Math.exp(-(scores[index] ?? -Infinity)));
    if (score < least) continue;
    const [dx = 0, dy = 0, width = 0, height = 0] = numbers.slice(index * 16, index * 16 + 4);
    const x = left + (anchor.x + dx / size) * side;
    const y = top + (anchor.y + dy / size) * side;
    const [halfWidth, halfHeight] = [(width / size / 2) * side, (height / size / 2) * side];
    found.push({ x1: x - halfWidth, y1: y - halfHeight, x2: x + halfWidth, y2: y + halfHeight, score });
  }
  return withoutOverlaps(found, 0.3);
}

import type { Picture } from './image/picture.ts';
import type { Similarity } from './image/similarity.ts';
import { Tensor, type Network, type NetworkInput } from './runtime.ts';

/* What the networks of MTCNN's cascade have in common: how they are fed and how their answers are read. */

/** Their input is (value − offset) · scale. */
export const offset = 127.5;
export const scale = 1 / 128;

/** What the last network holds of 64 no longer fits into memory that is used again: they take ten times as long as 32. */
const cropsAtOnce = 32;

/** What a network says of a crop; all but the score in shares of the crop's side. */
export type CropAnswer = { score: number; regression: number[]; marks: number[] };

/** Runs a network on size × size crops of the picture, some at a time; answers in the order of the crops. */
export async function runOnCrops(
  network: Network,
  picture: Picture,
  crops: readonly Similarity[],
  size: number,
): Promise<CropAnswer[]> {
  const results: CropAnswer[] = [];
  for (let start = 0; start < crops.length; start += cropsAtOnce) {
    const some = crops.slice(start, start + cropsAtOnce);
    const values = picture.cut(some, { width: size, height: size }, { offset, scale, outside: 0 });
    const [logits, regression, marks] = await run(
      network,
      new Tensor('float32', values, [some.length, 3, size, size]),
    );
    results.push(
      ...some.map((_, index) => ({
        score: faceness(logits.data[index * 2] ?? 0, logits.data[index * 2 + 1] ?? 0),
        regression: [...regression.data.slice(index * 4, index * 4 + 4)],
        marks: [...(marks?.data.slice(index * 10, index * 10 + 10) ?? [])],
      })),
    );
  }
  return results;
}

type Answer = { data: Float32Array; dims: readonly number[] };

/** The outputs of a network in their order: faceness, regression and, of the last network, points. */
export async function run(network: Network, input: NetworkInput): Promise<[Answer, Answer, ...Answer[]]> {
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
export function faceness(other: number, face: number): number {
  return 1 / (1 + Math.exp(other - face));
}

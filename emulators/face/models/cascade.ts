import type { ImagePyramid } from './image/pyramid.ts';
import type { Similarity } from './image/similarity.ts';
import { Tensor, type Network, type NetworkInput } from './runtime.ts';

/* Inputs and outputs of the networks of MTCNN's cascade. */

/** The input of the networks is (value − offset) · scale. */
export const offset = 127.5;
export const scale = 1 / 128;

/** With 64 crops the last network allocates fresh memory at each run, and takes ten times as long as with 32. */
const batchSize = 32;

/** The output of a network for a crop. The unit of `regression` and `marks` is the side of the crop. */
export type CropAnswer = { score: number; regression: number[]; marks: number[] };

/** Runs a network on crops of size × size pixels, in batches. The results are in the order of the crops. */
export async function runOnCrops(
  network: Network,
  image: ImagePyramid,
  crops: readonly Similarity[],
  size: number,
): Promise<CropAnswer[]> {
  const results: CropAnswer[] = [];
  for (let start = 0; start < crops.length; start += batchSize) {
    const batch = crops.slice(start, start + batchSize);
    const values = image.cut(batch, { width: size, height: size }, { offset, scale, outside: 0 });
    const [logits, regression, marks] = await run(
      network,
      new Tensor('float32', values, [batch.length, 3, size, size]),
    );
    results.push(
      ...batch.map((_, index) => ({
        score: faceness(logits.data[index * 2] ?? 0, logits.data[index * 2 + 1] ?? 0),
        regression: [...regression.data.slice(index * 4, index * 4 + 4)],
        marks: [...(marks?.data.slice(index * 10, index * 10 + 10) ?? [])],
      })),
    );
  }
  return results;
}

type Answer = { data: Float32Array; dims: readonly number[] };

/** The outputs of a network in order: faceness, regression and, of the last network, points. */
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

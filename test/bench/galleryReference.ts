import { GraphBuilder } from '../../emulators/face/models/conversion/graphBuilder.ts';
import { InferenceSession, Tensor, type Network } from '../../emulators/face/models/runtime.ts';
import { likeness, type Faces } from './galleryFaces.ts';

/* What a search of all faces by float32 numbers finds, as matrix products of many probes at once. */

const facesAtOnce = 4_096;
const probesAtOnce = 500;
/** As ONNX numbers its types. */
const floatType = 1;

/** The face nearest to each probe. */
export async function nearestByFloats(faces: Faces, probes: readonly Float32Array[]): Promise<number[]> {
  const session = await InferenceSession.create(productsGraph(faces.numbers), { intraOpNumThreads: 2 });
  const nearest: number[] = [];
  for (let first = 0; first < probes.length; first += probesAtOnce) {
    nearest.push(...(await nearestOf(session, faces, probes.slice(first, first + probesAtOnce))));
  }
  await session.release();
  return nearest;
}

async function nearestOf(
  session: Network,
  { vectors, count, numbers }: Faces,
  probes: readonly Float32Array[],
): Promise<number[]> {
  const joined = new Float32Array(probes.length * numbers);
  for (const [index, probe] of probes.entries()) joined.set(probe, index * numbers);
  const given = new Tensor('float32', joined, [probes.length, numbers]);
  const best = probes.map(() => ({ face: -1, product: -Infinity }));
  for (let first = 0; first < count; first += facesAtOnce) {
    const block = vectors.subarray(first * numbers, Math.min(count, first + facesAtOnce) * numbers);
    const found = await session.run({
      probes: given,
      faces: new Tensor('float32', block, [block.length / numbers, numbers]),
    });
    const [rows, products] = [found['row']?.data as Float32Array, found['product']?.data as Float32Array];
    for (const [index, product] of products.entries()) {
      const before = best[index];
      if (before === undefined || product <= before.product) continue;
      best[index] = { face: first + (rows[index] ?? 0), product };
    }
  }
  return best.map(({ face }) => face);
}

/** probes [p, numbers], faces [n, numbers] → product [p], row [p]: the highest product, and whose it is */
function productsGraph(numbers: number): Buffer {
  const graph = new GraphBuilder();
  graph.input('probes', [0, numbers]);
  graph.input('faces', [0, numbers]);
  graph.node('products', 'Gemm', ['probes', 'faces'], { transB: 1 });
  graph.node('whole', 'ArgMax', ['products'], { axis: 1, keepdims: 0 });
  graph.node('row', 'Cast', ['whole'], { to: floatType });
  graph.node('product', 'ReduceMax', ['products'], { axes: [1], keepdims: 0 });
  graph.output('row');
  graph.output('product');
  return graph.encode();
}

/** Whether a face is as near as another, by sums of doubles: where floats cannot tell, both are right. */
export function isAsNear(
  { vectors, numbers }: Faces,
  probe: Float32Array,
  face: number,
  other: number,
): boolean {
  const vector = (at: number): Float32Array => vectors.subarray(at * numbers, (at + 1) * numbers);
  return likeness(probe, vector(face)) >= likeness(probe, vector(other));
}

/** The share that is right at least, with 95 % certainty: 1 - 3 / n where none is wrong. */
export function shareAtLeast(wrong: number, of: number): number {
  // The mean of a Poisson distribution that gives so few or fewer in one of twenty.
  let [low, high] = [0, of];
  while (high - low > 1e-6) {
    const mean = (low + high) / 2;
    let [term, sum] = [Math.exp(-mean), 0];
    for (let count = 0; count <= wrong; count += 1) {
      sum += term;
      term *= mean / (count + 1);
    }
    if (sum > 0.05) low = mean;
    else high = mean;
  }
  return 1 - high / of;
}

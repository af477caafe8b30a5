import type { Head } from '../../emulators/face/models/heads.ts';

export type Example = { features: Float32Array; answer: boolean };

const iterations = 300;
/** Pulls weights to 0; about a hundred of a thousand remain. */
const sparsity = 0.004;

/** Sparse logistic regression with equal weight of both answers, by accelerated proximal gradient descent. */
export function fitHead(examples: readonly Example[]): Head {
  const size = examples[0]?.features.length ?? 0;
  const having = examples.filter(({ answer }) => answer).length;
  const importance = examples.map(({ answer }) => 0.5 / (answer ? having : examples.length - having));
  const { means, spreads } = spread(examples, size);
  const rows = examples.map(({ features }) =>
    features.map((value, index) => (value - (means[index] ?? 0)) / (spreads[index] ?? 1)),
  );
  let weights = new Float32Array(size);
  let ahead = weights;
  let [bias, biasAhead, momentum] = [0, 0, 1];
  const step = 4 / size;
  for (let round = 0; round < iterations; round += 1) {
    const gradient = new Float32Array(size);
    let biasGradient = 0;
    for (const [index, row] of rows.entries()) {
      let sum = biasAhead;
      for (let at = 0; at < size; at += 1) sum += (row[at] ?? 0) * (ahead[at] ?? 0);
      const wanted = examples[index]?.answer === true ? 1 : 0;
      const off = (1 / (1 + Math.exp(-sum)) - wanted) * (importance[index] ?? 0);
      biasGradient += off;
      for (let at = 0; at < size; at += 1) gradient[at] = (gradient[at] ?? 0) + off * (row[at] ?? 0);
    }
    const next = ahead.map((weight, at) =>
      shrunk(weight - step * 4 * (gradient[at] ?? 0), step * 4 * sparsity),
    );
    const nextBias = biasAhead - biasGradient;
    const nextMomentum = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
    const push = (momentum - 1) / nextMomentum;
    ahead = next.map((weight, at) => weight + push * (weight - (weights[at] ?? 0)));
    biasAhead = nextBias + push * (nextBias - bias);
    [weights, bias, momentum] = [next, nextBias, nextMomentum];
  }
  return unscaled(weights, bias, means, spreads);
}

function shrunk(value: number, by: number): number {
  return Math.sign(value) * Math.max(0, Math.abs(value) - by);
}

function spread(examples: readonly Example[], size: number): { means: Float32Array; spreads: Float32Array } {
  const means = new Float32Array(size);
  const squares = new Float32Array(size);
  for (const { features } of examples) {
    for (let at = 0; at < size; at += 1) {
      const value = features[at] ?? 0;
      means[at] = (means[at] ?? 0) + value / examples.length;
      squares[at] = (squares[at] ?? 0) + (value * value) / examples.length;
    }
  }
  const spreads = squares.map((value, at) => Math.sqrt(Math.max(1e-4, value - (means[at] ?? 0) ** 2)));
  return { means, spreads };
}

/** Converts weights of standardised features to weights of the features themselves. */
function unscaled(weights: Float32Array, bias: number, means: Float32Array, spreads: Float32Array): Head {
  const kept = [...weights.entries()].flatMap(([index, weight]): [number, number][] =>
    weight === 0 ? [] : [[index, rounded(weight / (spreads[index] ?? 1))]],
  );
  const shift = kept.reduce((sum, [index, weight]) => sum + weight * (means[index] ?? 0), 0);
  return { bias: rounded(bias - shift), weights: kept };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

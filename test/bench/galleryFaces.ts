import { randomNumbers, unit } from '../helpers/vectors.ts';

export const facesOfPerson = 4;
/** How far a picture of a person is from the person: cosines of 0.6 between two of them. */
const pictureNoise = 0.8;

export type Faces = {
  count: number;
  numbers: number;
  /** Unit vectors side by side, those of a person one after another. */
  vectors: Float32Array;
  faceId: (face: number) => string;
  personId: (face: number) => string;
  /** The face of an ID. */
  face: (faceId: string) => number;
  /** Even ones are another picture of a person, odd ones are of strangers. */
  probe: (index: number) => Float32Array;
};

export function makeFaces(count: number, numbers: number): Faces {
  const direction = directions(count + numbers, numbers);
  const vectors = new Float32Array(count * numbers);
  let person = direction();
  for (let face = 0; face < count; face += 1) {
    if (face % facesOfPerson === 0) person = direction();
    vectors.set(pictureOf(person, direction()), face * numbers);
  }
  return {
    count,
    numbers,
    vectors,
    faceId: (face) => uuid(face),
    personId: (face) => uuid(count + face - (face % facesOfPerson)),
    face: (faceId) => Number.parseInt(faceId.slice(-12), 16),
    probe(index) {
      const stranger = directions(Math.imul(index + 1, 0x9e37_79b1), numbers)();
      if (index % 2 === 1) return stranger;
      const face = (index * 7_919) % count;
      return pictureOf(vectors.subarray(face * numbers, (face + 1) * numbers), stranger);
    },
  };
}

/** Vectors in random directions, the same ones for the same seed. */
function directions(seed: number, numbers: number): () => Float32Array {
  const next = randomNumbers(seed);
  return () => unit(Float32Array.from({ length: numbers }, () => next() + next() + next() - 1.5));
}

function pictureOf(person: Float32Array, noise: Float32Array): Float32Array {
  return unit(person.map((value, index) => value + pictureNoise * (noise[index] ?? 0)));
}

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export function likeness(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

/** The face nearest to a probe, as anybody would write it first, in four sums so that none waits for another. */
export function nearestByLoop({ vectors, count, numbers }: Faces, probe: Float32Array): number {
  let [best, bestSum] = [-1, -Infinity];
  for (let face = 0; face < count; face += 1) {
    const start = face * numbers;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let index = 0; index < numbers; index += 4) {
      a += (vectors[start + index] ?? 0) * (probe[index] ?? 0);
      b += (vectors[start + index + 1] ?? 0) * (probe[index + 1] ?? 0);
      c += (vectors[start + index + 2] ?? 0) * (probe[index + 2] ?? 0);
      d += (vectors[start + index + 3] ?? 0) * (probe[index + 3] ?? 0);
    }
    const sum = a + b + c + d;
    if (sum > bestSum) [best, bestSum] = [face, sum];
  }
  return best;
}

import { imageStates, type ImageState } from './image.ts';

/** How many images are in each state. */
export type Counts = Record<ImageState, number>;

export function noCounts(): Counts {
  return Object.fromEntries(imageStates.map((state) => [state, 0])) as Counts;
}

export function moved(counts: Counts, from: ImageState | undefined, to: ImageState): Counts {
  const next = { ...counts };
  if (from !== undefined) next[from] -= 1;
  next[to] += 1;
  return next;
}

export function sum(all: readonly Counts[]): Counts {
  const total = noCounts();
  for (const counts of all) for (const state of imageStates) total[state] += counts[state];
  return total;
}

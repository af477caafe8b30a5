import { pictureStates, type PictureState } from './image.ts';

/** How many pictures are in each state. */
export type Counts = Record<PictureState, number>;

export function noCounts(): Counts {
  return Object.fromEntries(pictureStates.map((state) => [state, 0])) as Counts;
}

export function moved(counts: Counts, from: PictureState | undefined, to: PictureState): Counts {
  const next = { ...counts };
  if (from !== undefined) next[from] -= 1;
  next[to] += 1;
  return next;
}

export function sum(all: readonly Counts[]): Counts {
  const total = noCounts();
  for (const counts of all) for (const state of pictureStates) total[state] += counts[state];
  return total;
}

/**
 * How long trainings take: `published`, as long as Azure's do by published figures; `none`, a moment; or always so
 * many seconds.
 */
export type TrainingTime = 'published' | 'none' | number;

/** Faces and seconds: a thousand take 1 to 2 s, ten thousand 5 to 10 s, a hundred thousand 1 to 2 minutes. */
const published = [
  [1_000, 1.5],
  [10_000, 7.5],
  [100_000, 90],
] as const;
const shortestMs = 100;

/** Milliseconds for a number of faces. @throws Error for a time that is none */
export function trainingTimeOf(kind: TrainingTime): (faces: number) => number {
  if (kind === 'none') return () => shortestMs;
  if (kind === 'published') return (faces) => Math.max(shortestMs, publishedSeconds(faces) * 1_000);
  if (!(kind >= 0 && Number.isFinite(kind))) {
    throw new Error(`the training time is seconds, "published" or "none", not ${String(kind)}`);
  }
  return () => kind * 1_000;
}

/** Between two figures, and beyond the last, it grows by a power of the number of faces. */
function publishedSeconds(faces: number): number {
  const [small, middle, large] = published;
  if (faces <= small[0]) return (small[1] * faces) / small[0];
  const [from, to] = faces <= middle[0] ? [small, middle] : [middle, large];
  const power = Math.log(to[1] / from[1]) / Math.log(to[0] / from[0]);
  return from[1] * (faces / from[0]) ** power;
}

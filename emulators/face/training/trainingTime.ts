/** The duration of trainings: `published` as Azure's published figures, `none` an instant, a number in seconds. */
export type TrainingTime = 'published' | 'none' | number;

/** Faces and seconds. Azure's figures: 1,000 take 1 to 2 s, 10,000 take 5 to 10 s, 100,000 take 1 to 2 minutes. */
const published = [
  [1_000, 1.5],
  [10_000, 7.5],
  [100_000, 90],
] as const;
const shortestMs = 100;

/** Returns milliseconds by the number of faces. @throws Error for a duration that is not valid */
export function createTrainingTime(kind: TrainingTime): (faces: number) => number {
  if (kind === 'none') return () => shortestMs;
  if (kind === 'published') return (faces) => Math.max(shortestMs, publishedSeconds(faces) * 1_000);
  if (!(kind >= 0 && Number.isFinite(kind))) {
    throw new Error(`the training time is seconds, "published" or "none", not ${String(kind)}`);
  }
  return () => kind * 1_000;
}

/** Interpolates, and extrapolates beyond the last figure, by a power of the number of faces. */
function publishedSeconds(faces: number): number {
  const [small, middle, large] = published;
  if (faces <= small[0]) return (small[1] * faces) / small[0];
  const [from, to] = faces <= middle[0] ? [small, middle] : [middle, large];
  const power = Math.log(to[1] / from[1]) / Math.log(to[0] / from[0]);
  return from[1] * (faces / from[0]) ** power;
}

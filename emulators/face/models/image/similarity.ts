import type { Point } from '../../contract/vision.ts';

/** Maps a point of a crop to a point of the image: x' = a·x − b·y + c, y' = b·x + a·y + d. */
export type Similarity = { a: number; b: number; c: number; d: number };

/** Applies `inner`, then `outer`. */
export function compose(outer: Similarity, inner: Similarity): Similarity {
  return {
    a: outer.a * inner.a - outer.b * inner.b,
    b: outer.a * inner.b + outer.b * inner.a,
    c: outer.a * inner.c - outer.b * inner.d + outer.c,
    d: outer.b * inner.c + outer.a * inner.d + outer.d,
  };
}

/** A crop without rotation; `step` is the side of its pixels in pixels of the image. */
export function levelCrop(x1: number, y1: number, step: number): Similarity {
  return { a: step, b: 0, c: x1 + step / 2 - 0.5, d: y1 + step / 2 - 0.5 };
}

/** The least-squares similarity that maps the points `from` to `to`. */
export function similarityBetween(from: readonly Point[], to: readonly Point[]): Similarity {
  const mean = (points: readonly Point[]) => ({
    x: points.reduce((sum, { x }) => sum + x, 0) / points.length,
    y: points.reduce((sum, { y }) => sum + y, 0) / points.length,
  });
  const [f, t] = [mean(from), mean(to)];
  let along = 0;
  let across = 0;
  let spread = 0;
  for (const [index, point] of from.entries()) {
    const goal = to[index] ?? t;
    const [x, y, u, v] = [point.x - f.x, point.y - f.y, goal.x - t.x, goal.y - t.y];
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  const [a, b] = [along / spread, across / spread];
  return { a, b, c: t.x - a * f.x + b * f.y, d: t.y - b * f.x - a * f.y };
}

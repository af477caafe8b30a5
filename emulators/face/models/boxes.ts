/** A box in pixels of the image, not rounded. */
export type Box = { x1: number; y1: number; x2: number; y2: number; score: number };

/** The shared area, as a share of the union or of the smaller box. */
export function overlap(a: Box, b: Box, against: 'union' | 'smaller'): number {
  const width = Math.min(a.x2, b.x2) - Math.max(a.x1, b.x1);
  const height = Math.min(a.y2, b.y2) - Math.max(a.y1, b.y1);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  const [areaA, areaB] = [area(a), area(b)];
  return shared / (against === 'union' ? areaA + areaB - shared : Math.min(areaA, areaB));
}

function area({ x1, y1, x2, y2 }: Box): number {
  return (x2 - x1) * (y2 - y1);
}

/** Of boxes that overlap by more than the limit, keeps the one with the best score. */
export function withoutOverlaps<Item extends Box>(
  boxes: readonly Item[],
  limit: number,
  against: 'union' | 'smaller' = 'union',
): Item[] {
  const kept: Item[] = [];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    if (kept.every((other) => overlap(box, other, against) <= limit)) kept.push(box);
  }
  return kept;
}

/** The square with the same centre and the longer side. */
export function squared<Item extends Box>(box: Item): Item {
  const side = Math.max(box.x2 - box.x1, box.y2 - box.y1);
  const x1 = (box.x1 + box.x2 - side) / 2;
  const y1 = (box.y1 + box.y2 - side) / 2;
  return { ...box, x1, y1, x2: x1 + side, y2: y1 + side };
}

/** The box moved by a regression, whose unit is the size of the box. */
export function regressed<Item extends Box>(
  box: Item,
  [dx1 = 0, dy1 = 0, dx2 = 0, dy2 = 0]: readonly number[],
): Item {
  const width = box.x2 - box.x1;
  const height = box.y2 - box.y1;
  return {
    ...box,
    x1: box.x1 + dx1 * width,
    y1: box.y1 + dy1 * height,
    x2: box.x2 + dx2 * width,
    y2: box.y2 + dy2 * height,
  };
}

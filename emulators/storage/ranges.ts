/** Bytes of an extent: a file in which Azurite keeps the bytes of blobs and messages. */
export type Range = { id: string; offset: number; count: number };

export function overlaps(range: Range, others: readonly Range[]): boolean {
  return others.some(
    ({ offset, count }) => offset < range.offset + range.count && range.offset < offset + count,
  );
}

/** The parts of a range that no other range of the same extent covers. */
export function without(range: Range, others: readonly Range[]): Range[] {
  const { id } = range;
  const end = range.offset + range.count;
  const left: Range[] = [];
  let from = range.offset;
  for (const { offset, count } of others.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > from) left.push({ id, offset: from, count: Math.min(offset, end) - from });
    from = Math.max(from, offset + count);
    if (from >= end) return left.filter((piece) => piece.count > 0);
  }
  return [...left, { id, offset: from, count: end - from }].filter((piece) => piece.count > 0);
}

/** The rows of a partition whose row keys lie in [from, before). */
export type Range = { partition: string; from: string; before: string };

/** `after`: the `next` of the page before; absent: the first page. */
export type PageQuery = { top: number; after?: string | undefined };
export type Page<Value> = { items: Value[]; next?: string };

/** The rows of a partition whose row keys begin with `prefix`. */
export function prefixed(partition: string, prefix: string): Range {
  return { partition, from: prefix, before: afterPrefix(prefix) };
}

/** The end of the range of row keys that begin with `prefix`. */
export function afterPrefix(prefix: string): string {
  return `${prefix}\uffff`;
}

/** The least row key after `rowKey`, since row keys hold no control character. */
export function following(rowKey: string): string {
  return `${rowKey}\u0001`;
}

/** The row key at which a page begins. */
export function startOf({ from }: Range, { after }: PageQuery): string {
  return after === undefined ? from : following(after);
}

/** The filter of a query for the rows of a range. */
export function toFilter({ partition, from, before }: Range): string {
  const text = (key: string) => `'${key.replaceAll("'", "''")}'`;
  return `PartitionKey eq ${text(partition)} and RowKey ge ${text(from)} and RowKey lt ${text(before)}`;
}

/** Reads at most `top` values, and no further rows. */
export async function take<Value>(rows: AsyncIterable<Value>, top: number): Promise<Value[]> {
  const taken: Value[] = [];
  if (top <= 0) return taken;
  for await (const row of rows) {
    taken.push(row);
    if (taken.length >= top) break;
  }
  return taken;
}

/** One page of rows. Reads one row more than `top`, to know whether there is a next page. */
export async function takePage<Row>(
  rows: AsyncIterable<Row>,
  top: number,
  toToken: (row: Row) => string,
): Promise<Page<Row>> {
  const taken = await take(rows, top + 1);
  const last = taken[top - 1];
  return {
    items: taken.slice(0, top),
    ...(taken.length > top && last !== undefined && { next: toToken(last) }),
  };
}

/** Yields the rows in arrays of up to `size`. */
export async function* inSlices<Value>(rows: AsyncIterable<Value>, size: number): AsyncGenerator<Value[]> {
  let slice: Value[] = [];
  for await (const row of rows) {
    slice.push(row);
    if (slice.length < size) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

export async function* filtered<Value>(
  rows: AsyncIterable<Value>,
  keep: (row: Value) => boolean,
): AsyncGenerator<Value> {
  for await (const row of rows) if (keep(row)) yield row;
}

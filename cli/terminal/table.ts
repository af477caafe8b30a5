import { pad, toPrintable, truncate, widthOf } from './text.ts';

/** A column of a table. `whole`: is never cut, such as a number; `isPath`: is cut at its start, since its end says most. */
export type Column<Row> = {
  title: string;
  text: (row: Row) => string | number | undefined;
  align?: 'left' | 'right';
  whole?: boolean;
  isPath?: boolean;
};

const gap = '  ';
/** A narrower column says nothing. */
const narrowest = 6;

/** The lines of a table, none wider than `width`. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  const { head, body } = layOut(rows, columns, width);
  return head === undefined ? body : [head, ...body];
}

/**
 * A table with its head: the widest columns are cut first. Where even narrow columns do not fit beside each other, each
 * row becomes a block with a line for each of its cells, without a head.
 */
export function layOut<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): { head?: string; body: string[] } {
  const cells = rows.map((row) => columns.map(({ text }) => toPrintable(String(text(row) ?? ''))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((line) => widthOf(line[index] ?? ''))),
  );
  const widths = shrink(natural, columns, width - gap.length * (columns.length - 1));
  if (widths === undefined) return { body: toBlocks(cells, columns, width) };
  const toLine = (texts: readonly string[]): string =>
    columns
      .map(({ align, isPath = false }, index) => {
        const columnWidth = widths[index] ?? 0;
        return pad(
          truncate(texts[index] ?? '', columnWidth, isPath ? 'start' : 'end'),
          columnWidth,
          align === 'right' ? 'left' : 'right',
        );
      })
      .join(gap)
      .trimEnd();
  return { head: toLine(columns.map(({ title }) => title)), body: cells.map(toLine) };
}

/** Takes columns from the widest that may be cut until all fit; undefined when that is impossible. */
function shrink<Row>(
  natural: readonly number[],
  columns: readonly Column<Row>[],
  room: number,
): number[] | undefined {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    let widest = -1;
    for (const [index, width] of widths.entries())
      if (columns[index]?.whole !== true && width > Math.max(narrowest, widths[widest] ?? 0)) widest = index;
    if (widest === -1) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

function toBlocks<Row>(
  cells: readonly (readonly string[])[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  const titleWidth = Math.max(...columns.map(({ title }) => widthOf(title)));
  return cells.flatMap((line, row) => [
    ...(row > 0 ? [''] : []),
    ...columns.flatMap(({ title, isPath = false }, index) => {
      const head = `${pad(title, titleWidth)}${gap}`;
      const text = truncate(line[index] ?? '', width - widthOf(head), isPath ? 'start' : 'end');
      return text === '' ? [] : [head + text];
    }),
  ]);
}

import { pad, toPrintable, truncate, widthOf } from './text.ts';

/** A column of a table. `whole`: is never cut, such as a number. */
export type Column<Row> = {
  title: string;
  text: (row: Row) => string | number | undefined;
  align?: 'left' | 'right';
  whole?: boolean;
};

const gap = '  ';
/** A narrower column says nothing. */
const narrowest = 6;

/**
 * The lines of a table, none wider than `width`: the widest columns are cut first. Where even narrow columns do not fit
 * beside each other, each row becomes a block with a line for each of its cells.
 */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  const cells = rows.map((row) => columns.map(({ text }) => toPrintable(String(text(row) ?? ''))));
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((line) => widthOf(line[index] ?? ''))),
  );
  const widths = shrink(natural, columns, width - gap.length * (columns.length - 1));
  if (widths === undefined) return toBlocks(cells, columns, width);
  const toLine = (texts: readonly string[]): string =>
    columns
      .map(({ align }, index) => {
        const columnWidth = widths[index] ?? 0;
        return pad(
          truncate(texts[index] ?? '', columnWidth),
          columnWidth,
          align === 'right' ? 'left' : 'right',
        );
      })
      .join(gap)
      .trimEnd();
  return [toLine(columns.map(({ title }) => title)), ...cells.map(toLine)];
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
    ...columns.flatMap(({ title }, index) =>
      line[index] === '' ? [] : [truncate(`${pad(title, titleWidth)}${gap}${line[index]}`, width)],
    ),
  ]);
}

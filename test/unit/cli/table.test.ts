import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTable, type Column } from '../../../cli/terminal/table.ts';
import { toPrintable, truncate, widthOf, wrap } from '../../../cli/terminal/text.ts';

type Row = { name: string; count: number; reason: string };

const columns: readonly Column<Row>[] = [
  { title: 'name', text: ({ name }) => name },
  { title: 'count', text: ({ count }) => count, align: 'right', whole: true },
  { title: 'reason', text: ({ reason }) => reason },
];

const rows: readonly Row[] = [
  { name: 'enroll/family/李雷/party 👩‍👩‍👧.jpg', count: 12, reason: 'not_an_image' },
  { name: 'ann', count: 1_234, reason: '' },
];

test('a table is as wide as its cells where there is room', () => {
  expect(formatTable(rows, columns, Infinity)).toEqual([
    'name                             count  reason',
    'enroll/family/李雷/party 👩‍👩‍👧.jpg     12  not_an_image',
    'ann                               1234',
  ]);
});

test('the widest column is cut first, and wide characters count twice', () => {
  const lines = formatTable(rows, columns, 40);
  expect(lines[1]).toBe('enroll/family/李雷…     12  not_an_image');
  expect(lines.map(widthOf).every((width) => width <= 40)).toBe(true);
});

test('where columns do not fit beside each other, each row is a block', () => {
  expect(formatTable(rows, columns, 16)).toEqual([
    'name    enroll/…',
    'count   12',
    'reason  not_an_…',
    '',
    'name    ann',
    'count   1234',
  ]);
});

describe('any text at 40, 80 and 120 columns', () => {
  const row = fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 200 }),
    count: fc.integer(),
    reason: fc.string({ unit: 'binary', maxLength: 60 }),
  });
  test.each([40, 80, 120])('no line of a table is wider than %d, and none breaks', (width) => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (some) => {
        for (const line of formatTable(some, columns, width)) {
          expect(widthOf(line)).toBeLessThanOrEqual(width);
          // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
        }
      }),
    );
  });
});

test('what a terminal would obey is printed as text', () => {
  expect(toPrintable('a\u001b[31m\r\n\u009b\u202eb')).toBe(String.raw`a\u{1b}[31m\u{d}\u{a}\u{9b}\u{202e}b`);
  expect(toPrintable('Zoë 李雷 👩‍👩‍👧')).toBe('Zoë 李雷 👩‍👩‍👧');
});

test('a text is cut between characters that are seen as one', () => {
  expect(truncate('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5)).toBe('👩‍👩‍👧👩‍👩‍👧…');
  expect(truncate('short', 5)).toBe('short');
  expect(truncate('enroll/g/李雷/1.jpg', 10, 'start')).toBe('…雷/1.jpg');
});

test('a line breaks between words, and stands in as far as it did', () => {
  expect(wrap('  one two three', 9, 2)).toEqual(['  one two', '    three']);
  expect(wrap('unbreakable', 5)).toEqual(['unbreakable']);
});

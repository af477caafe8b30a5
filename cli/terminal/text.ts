import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter();

/** Control characters, characters that change the direction of what follows, line separators, and broken surrogates. */
const unprintable = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text from elsewhere, such as the name of a file, without what a terminal would obey: `\u{1b}` for an escape. */
export function toPrintable(text: string): string {
  return text.replaceAll(unprintable, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`);
}

/** The columns that a text takes in a terminal: two for most emoji and for Chinese, none for combining characters. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Cuts a text to a number of columns, with `…` where something is missing: at its end, or at its start. */
export function truncate(text: string, width: number, at: 'end' | 'start' = 'end'): string {
  if (widthOf(text) <= width) return text;
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const kept: string[] = [];
  let used = 1;
  for (const character of at === 'end' ? characters : characters.toReversed()) {
    used += widthOf(character);
    if (used > width) break;
    kept.push(character);
  }
  if (width < 1) return '';
  return at === 'end' ? `${kept.join('')}…` : `…${kept.toReversed().join('')}`;
}

/** Adds spaces up to a number of columns. */
export function pad(text: string, width: number, side: 'left' | 'right' = 'right'): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? spaces + text : text + spaces;
}

/** Breaks a line between words; the lines after the first stand as far in as the first one, and `hanging` more. */
export function wrap(line: string, width: number, hanging = 0): string[] {
  if (widthOf(line) <= width) return [line];
  const [indent = ''] = /^ */.exec(line) ?? [];
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(' ')) {
    const next = current.trim() === '' ? current + word : `${current} ${word}`;
    if (widthOf(next) <= width || current.trim() === '') current = next;
    else {
      lines.push(current);
      current = `${indent}${' '.repeat(hanging)}${word}`;
    }
  }
  return [...lines, current];
}

import { styleText } from 'node:util';
import { layOut, type Column } from './table.ts';
import { toPrintable, truncate, wrap } from './text.ts';

type Style = Parameters<typeof styleText>[0];
export type Stream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

export type Output = {
  /** Whether every line of the standard output is to be JSON. */
  json: boolean;
  /** Whether a person sees what is said to the standard error. */
  isWatched: boolean;
  /** Columns of the standard output; endless in a pipe. */
  width: number;
  stdout: Stream;
  stderr: Stream;
  /** What was asked for: a line of text. Nothing where JSON was asked for. */
  print(text: string, style?: Style): void;
  /** What was asked for, as a line of JSON. Nothing where text was asked for. */
  item(value: unknown): void;
  /** A table of what was asked for. Nothing where JSON was asked for. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], options?: { title?: boolean }): void;
  /** What goes on, beside what was asked for. */
  note(text: string, style?: Style): void;
  /** Keeps lines, such as bars, below everything else of the standard error, in the place of those before. */
  live(lines: readonly string[]): void;
};

/** The columns of a terminal; `otherwise` where it is none. */
export function widthOfStream(stream: Stream, otherwise = Infinity): number {
  return stream.isTTY === true ? Math.max(20, stream.columns ?? 80) : otherwise;
}

/** Text that comes from elsewhere is printed without what a terminal would obey, whoever passes it. */
export function createOutput({
  json = false,
  stdout = process.stdout,
  stderr = process.stderr,
}: { json?: boolean; stdout?: Stream; stderr?: Stream } = {}): Output {
  let liveLines = 0;
  const clearLive = (): void => {
    if (liveLines > 0) stderr.write(`\u001b[${liveLines}A\u001b[0J`);
    liveLines = 0;
  };
  const write = (stream: Stream, text: string, style?: Style): void => {
    clearLive();
    const lines = text
      .split('\n')
      .map(toPrintable)
      .flatMap((line) => wrap(line, widthOfStream(stream), 2));
    for (const line of lines)
      stream.write(`${style === undefined ? line : styleText(style, line, { stream })}\n`);
  };
  return {
    json,
    isWatched: stderr.isTTY === true,
    get width() {
      return widthOfStream(stdout);
    },
    stdout,
    stderr,
    print(text, style) {
      if (!json) write(stdout, text, style);
    },
    item(value) {
      if (json) stdout.write(`${toPrintableJson(value)}\n`);
    },
    table(rows, columns, { title = true } = {}) {
      if (json || rows.length === 0) return;
      clearLive();
      const { head, body } = layOut(rows, columns, widthOfStream(stdout));
      if (title && head !== undefined) write(stdout, head, 'bold');
      stdout.write(`${body.join('\n')}\n`);
    },
    note: (text, style) => write(stderr, text, style),
    live(lines) {
      if (stderr.isTTY !== true || json) return;
      clearLive();
      // What is above the screen cannot be taken away again.
      const shown = lines.slice(0, (stderr.rows ?? 24) - 1);
      for (const line of shown) stderr.write(`${truncate(line, widthOfStream(stderr) - 1)}\n`);
      liveLines = shown.length;
    },
  };
}

/** JSON may hold characters as they are that a terminal obeys. */
function toPrintableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

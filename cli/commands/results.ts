import type { Answer } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit.ts';
import type { Column } from '../terminal/table.ts';
import { everyPage } from './pages.ts';

type Result = Answer<'GET groups/{group}/results'>['items'][number];

export type ResultOptions = {
  group: string;
  kind?: Result['kind'];
  person?: string;
  since?: string;
  until?: string;
  top?: number;
  csv?: boolean;
};

/** A face of a result, and who or what it was found to be. */
export type FaceRow = {
  id: string;
  createdAt: string;
  kind: string;
  image: string;
  person: string;
  confidence: number | undefined;
  rectangle: { left: number; top: number; width: number; height: number } | undefined;
};

export const resultColumns: readonly Column<FaceRow>[] = [
  { title: 'when', text: ({ createdAt }) => createdAt.slice(0, 16).replace('T', ' '), whole: true },
  { title: 'kind', text: ({ kind }) => kind },
  { title: 'person', text: ({ person }) => person },
  { title: 'sure', text: ({ confidence }) => confidence?.toFixed(2), align: 'right', whole: true },
  { title: 'picture', text: ({ image }) => image, isPath: true },
];

/** A row for each face; one without a face for a picture on which there is none. */
export function toFaceRows(result: Result): FaceRow[] {
  const { id, createdAt, kind, image = '' } = result;
  const common = { id, createdAt, kind, image };
  const rows = facesOf(result).map((face) => ({ ...common, ...face }));
  return rows.length > 0
    ? rows
    : [{ ...common, person: 'nobody', confidence: undefined, rectangle: undefined }];
}

function facesOf(result: Result): Pick<FaceRow, 'person' | 'confidence' | 'rectangle'>[] {
  switch (result.kind) {
    case 'identify':
      return result.faces.map(({ faceRectangle: rectangle, candidates: [best] }) => ({
        person: best?.person ?? 'stranger',
        confidence: best?.confidence,
        rectangle,
      }));
    case 'find-similar':
      return result.faces.map(({ faceRectangle: rectangle, matches }) => ({
        person: `${matches.length} similar`,
        confidence: matches[0]?.confidence,
        rectangle,
      }));
    case 'verify':
      return result.faces.map(({ faceRectangle: rectangle, isIdentical, confidence }) => ({
        person: isIdentical ? result.person : `not ${result.person}`,
        confidence,
        rectangle,
      }));
  }
}

const shownInTerminal = 100;
const csvHead = [
  'id',
  'createdAt',
  'kind',
  'image',
  'person',
  'confidence',
  'left',
  'top',
  'width',
  'height',
];

export async function listResults({ output, connect }: Context, options: ResultOptions): Promise<void> {
  const { group, kind, person, since, until, csv = false } = options;
  for (const time of [since, until])
    if (time !== undefined && Number.isNaN(Date.parse(time)))
      throw new UsageError(`a time is written as 2026-11-27T08:00:00Z, not "${time}"`);
  if (csv && output.json) throw new UsageError('use one of --csv and --json');
  const { call } = await connect();
  let left = options.top ?? (csv || output.json ? Infinity : shownInTerminal);
  let isFirst = true;
  const range = {
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(until !== undefined && { until: new Date(until).toISOString() }),
  };
  const pages = everyPage((after) =>
    call('GET groups/{group}/results', {
      group,
      query: { top: Math.min(left, 1_000), after, kind, person, ...range },
    }),
  );
  if (csv) output.stdout.write(`${csvHead.join(',')}\n`);
  for await (const items of pages) {
    for (const item of items) output.item(item);
    const rows = items.flatMap(toFaceRows);
    if (csv) output.stdout.write(rows.map(toCsvLine).join(''));
    else output.table(rows, resultColumns, { title: isFirst });
    isFirst = false;
    left -= items.length;
    if (left <= 0) break;
  }
  if (isFirst) output.note('There are no such results.');
}

/** A line as RFC 4180 has it. */
export function toCsvLine({ rectangle, ...row }: FaceRow): string {
  const { left, top, width, height } = rectangle ?? {};
  const cells = [
    row.id,
    row.createdAt,
    row.kind,
    row.image,
    row.person,
    row.confidence,
    left,
    top,
    width,
    height,
  ];
  return `${cells.map((cell) => quoted(String(cell ?? ''))).join(',')}\n`;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

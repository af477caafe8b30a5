import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import pMap from 'p-map';
import { failures, type FailureCode } from '../../shared/errors/errors.ts';
import { ApiError, type Answer } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import { rejectionOf } from '../import/tally.ts';
import { openImageFile } from '../imageFile.ts';
import type { Column } from '../terminal/table.ts';
import type { Connection } from '../where/connect.ts';

export type IdentifyOptions = { group: string; candidates?: number; threshold?: number; annotate?: string };

type Face = Answered['faces'][number];
type Row = { file: string; face: Face | undefined };

const columns: readonly Column<Row>[] = [
  { title: 'picture', text: ({ file }) => file, isPath: true },
  { title: 'who', text: ({ face }) => (face === undefined ? 'nobody' : namesOf(face)) },
  {
    title: 'sure',
    text: ({ face }) => face?.candidates[0]?.confidence.toFixed(2),
    align: 'right',
    whole: true,
  },
  {
    title: 'left, top',
    text: ({ face }) => face && `${face.faceRectangle.left}, ${face.faceRectangle.top}`,
    whole: true,
  },
  {
    title: 'size',
    text: ({ face }) => face && `${face.faceRectangle.width} × ${face.faceRectangle.height}`,
    whole: true,
  },
];

type Answered = Answer<'POST groups/{group}/identify'>;
type Outcome = { file: string } & ({ answer: Answered } | { error: Error; reason: FailureCode | undefined });

const askedAtOnce = 4;

/** Says who is on each picture; one that is refused or fails does not end the others. */
export async function identify(
  context: Context,
  files: readonly string[],
  options: IdentifyOptions,
): Promise<ExitCode> {
  const connection = await context.connect();
  const outcomes = await pMap(files, (file) => ask(connection, file, options), { concurrency: askedAtOnce });
  for (const outcome of outcomes) tell(context, outcome, options);
  const answered = outcomes.flatMap((outcome) => ('answer' in outcome ? [outcome] : []));
  const rows = answered.flatMap(({ file, answer: { faces } }) => toRows(file, faces));
  context.output.table(rows, columns);
  const isWritten =
    options.annotate === undefined || (await writeAnnotated(context, options.annotate, answered));
  if (!isWritten) return exitCodes.failed;
  if (outcomes.some((outcome) => 'error' in outcome && outcome.reason === undefined)) return exitCodes.failed;
  return answered.length < outcomes.length ? exitCodes.refused : exitCodes.done;
}

/** @throws what every picture would meet, such as a group that is not there */
async function ask(
  { call }: Connection,
  file: string,
  { group, candidates, threshold }: IdentifyOptions,
): Promise<Outcome> {
  const query = {
    ...(candidates !== undefined && { maxCandidates: candidates }),
    ...(threshold !== undefined && { confidenceThreshold: threshold }),
  };
  try {
    const body = await openImageFile(file);
    return { file, answer: await call('POST groups/{group}/identify', { group, query, body }) };
  } catch (error) {
    const reason = error instanceof ApiError ? rejectionOf(error.code) : undefined;
    if ((reason === undefined || reason === 'group_not_found') && !isOfFile(error)) throw error;
    return { file, error: error as Error, reason };
  }
}

function tell({ output }: Context, outcome: Outcome, { group }: IdentifyOptions): void {
  const { file } = outcome;
  if ('error' in outcome) {
    const { error, reason } = outcome;
    output.item({ file, error: error.message, reason });
    output.note(
      `${file}: ${reason === undefined ? error.message : `${reason}: ${failures[reason].remedy}`}`,
      'red',
    );
    return;
  }
  const { trained, truncated } = outcome.answer;
  output.item({ file, ...outcome.answer });
  if (!trained) output.note(`The group ${group} has not been trained yet: nobody is known in it.`);
  if (truncated === true)
    output.note(`${file}: Face gives at most 100 faces of a picture, the largest: there may be more on it.`);
}

/** Whether a failure is about this file alone: it cannot be read, or Face could not answer. */
function isOfFile(error: unknown): boolean {
  if (error instanceof ApiError) return error.status >= 500 || error.status === 429;
  return (
    (error as NodeJS.ErrnoException).code?.startsWith('E') === true ||
    (error as Error).name === 'NotReadableError'
  );
}

function toRows(file: string, faces: readonly Face[]): Row[] {
  return faces.length === 0 ? [{ file, face: undefined }] : faces.map((face) => ({ file, face }));
}

function namesOf({ candidates: [best, ...others] }: Face): string {
  if (best === undefined) return 'stranger';
  return [best.person, ...others.map(({ person, confidence }) => `${person} ${confidence.toFixed(2)}`)].join(
    ', ',
  );
}

/** Writes each picture with names on it, and a page that shows them all; false when one could not be drawn on. */
async function writeAnnotated(
  { output }: Context,
  folder: string,
  pictures: readonly { file: string; answer: Answered }[],
): Promise<boolean> {
  const { annotate, toLabels, writeIndex } = await import('../annotate.ts');
  await mkdir(folder, { recursive: true });
  const written: { name: string; labels: string[] }[] = [];
  const taken = new Set<string>();
  for (const { file, answer } of pictures) {
    const name = freeName(basename(file, extname(file)), taken);
    const labels = toLabels(answer.faces);
    try {
      await annotate(file, labels, join(folder, name));
      written.push({ name, labels: labels.map(({ label }) => label) });
    } catch (error) {
      output.note(`${file} cannot be drawn on: ${(error as Error).message}`, 'red');
    }
  }
  await writeIndex(folder, written);
  output.note(`Pictures with names: ${join(folder, 'index.html')}`);
  return written.length === pictures.length;
}

/** Pictures of several folders may have the same name. */
function freeName(base: string, taken: Set<string>): string {
  for (let count = 1; ; count += 1) {
    const name = `${base}${count === 1 ? '' : `-${count}`}.jpg`;
    if (taken.has(name.toLowerCase())) continue;
    taken.add(name.toLowerCase());
    return name;
  }
}

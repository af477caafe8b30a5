import { mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { failures } from '../../shared/errors/errors.ts';
import { ApiError, type Answer } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import { rejectionOf } from '../import/tally.ts';
import { openPicture } from '../picture.ts';
import type { Column } from '../terminal/table.ts';
import type { Connection } from '../where/connect.ts';

export type IdentifyOptions = { group: string; candidates?: number; threshold?: number; annotate?: string };

type Face = Answer<'POST groups/{group}/identify'>['faces'][number];
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

/** Says who is on each picture; one that is refused or fails does not end the others. */
export async function identify(
  context: Context,
  files: readonly string[],
  options: IdentifyOptions,
): Promise<ExitCode> {
  const { output } = context;
  const connection = await context.connect();
  const rows: Row[] = [];
  const pages: { file: string; faces: readonly Face[] }[] = [];
  let code: ExitCode = exitCodes.done;
  for (const file of files) {
    try {
      const answer = await ask(connection, file, options);
      output.item({ file, ...answer });
      if (!answer.trained)
        output.note(`The group ${options.group} has not been trained yet: nobody is known in it.`);
      if (answer.truncated === true)
        output.note(
          `${file}: Face gives at most 100 faces of a picture, the largest: there may be more on it.`,
        );
      rows.push(...(answer.faces.length === 0 ? [{ file, face: undefined }] : toRows(file, answer.faces)));
      pages.push({ file, faces: answer.faces });
    } catch (error) {
      const reason = error instanceof ApiError ? rejectionOf(error.code) : undefined;
      // What every picture would meet, such as a group that is not there.
      if (reason === undefined && !isOfFile(error)) throw error;
      output.item({ file, error: (error as Error).message, reason });
      output.note(
        `${file}: ${reason === undefined ? (error as Error).message : `${reason}: ${failures[reason].remedy}`}`,
        'red',
      );
      code = reason === undefined ? exitCodes.failed : worse(code, exitCodes.refused);
    }
  }
  output.table(rows, columns);
  if (options.annotate !== undefined) await writeAnnotated(context, options.annotate, pages);
  return code;
}

/** A failure weighs more than a refusal. */
function worse(earlier: ExitCode, later: ExitCode): ExitCode {
  return earlier === exitCodes.failed ? earlier : later;
}

async function ask({ call }: Connection, file: string, { group, candidates, threshold }: IdentifyOptions) {
  const query = {
    ...(candidates !== undefined && { maxCandidates: candidates }),
    ...(threshold !== undefined && { confidenceThreshold: threshold }),
  };
  return call('POST groups/{group}/identify', { group, query, body: await openPicture(file) });
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
  return faces.map((face) => ({ file, face }));
}

function namesOf({ candidates: [best, ...others] }: Face): string {
  if (best === undefined) return 'stranger';
  return [best.person, ...others.map(({ person, confidence }) => `${person} ${confidence.toFixed(2)}`)].join(
    ', ',
  );
}

/** Writes each picture with names on it, and a page that shows them all. */
async function writeAnnotated(
  { output }: Context,
  folder: string,
  pictures: readonly { file: string; faces: readonly Face[] }[],
): Promise<void> {
  const { annotate, toLabels, writeIndex } = await import('../annotate.ts');
  await mkdir(folder, { recursive: true });
  const written: { name: string; labels: string[] }[] = [];
  const taken = new Set<string>();
  for (const { file, faces } of pictures) {
    const name = freeName(basename(file, extname(file)), taken);
    const labels = toLabels(faces);
    await annotate(file, labels, join(folder, name));
    written.push({ name, labels: labels.map(({ label }) => label) });
  }
  await writeIndex(folder, written);
  output.note(`Pictures with names: ${join(folder, 'index.html')}`);
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

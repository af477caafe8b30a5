import { statSync } from 'node:fs';
import { join } from 'node:path';
import pMap from 'p-map';
import { isGroupName } from '../../shared/images/imagePath.ts';
import { ApiError } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit.ts';
import type { Connection } from '../where/connect.ts';
import { compare, hashFile, loadKnown, type Known } from './compare.ts';
import { createImportBars, type ImportBars } from './importBars.ts';
import { confirmDeletion, deleteImages, findSurplus } from './mirror.ts';
import { selectFiles, type LocalImage, type Selection } from './selectFiles.ts';
import { waitUntilSettled, type Expected } from './settle.ts';
import { stopOnInterrupt } from './stopOnInterrupt.ts';
import {
  countOf,
  createTally,
  exitCodeFor,
  printFailed,
  printRefused,
  printSkipped,
  rejectionOf,
  type Tally,
} from './tally.ts';
import { createUpload, endsImport } from './upload.ts';

export type ImportOptions = {
  group: string;
  wait?: boolean;
  dryRun?: boolean;
  mirror?: boolean;
  watch?: boolean;
  yes?: boolean;
};

/** A folder that is imported, and what it takes. */
export type Import = {
  context: Context;
  folder: string;
  options: ImportOptions;
  connection: Connection;
  /** Aborted by Ctrl-C. */
  stopped: AbortSignal;
  /** The SHA-256 of a file, in hexadecimal. */
  hash: (image: LocalImage) => Promise<string>;
  /** A file that was modified later may still be written, and is left for the next comparison. */
  steadyBefore?: number;
  /** What an earlier comparison of the same import has told; absent at the first. */
  told?: Set<string>;
};

/** A file to send; `sha256` where it had to be read to know that it is another. */
type ToSend = LocalImage & { sha256?: string | undefined };

const atOnce = 8;

/**
 * Brings a folder of `{person}/…` into a group: what is new or has changed is sent, what is there costs nothing. Every
 * file that is left out, refused or failed is named; one of them does not end the others.
 */
export async function importFolder(
  context: Context,
  folder: string,
  options: ImportOptions,
): Promise<ExitCode> {
  if (!isGroupName(options.group))
    throw new UsageError(
      `bad_path: --group takes 1 to 48 of a-z, 0-9, - and _, without two _ in a row, not "${options.group}"`,
    );
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`there is no folder ${folder}`);
  if (options.watch === true && options.mirror === true && options.yes !== true)
    throw new UsageError('--watch --mirror also needs --yes: nobody is asked while it watches');
  const selection = await select(context, folder, options);
  const connection = await context.connect();
  const { stopped, release } = stopOnInterrupt(context.output);
  try {
    const hash = ({ file }: LocalImage) => hashFile(join(folder, file));
    const run: Import = { context, folder, options, connection, stopped, hash };
    const code = await importSelection(run, selection);
    if (options.watch !== true || stopped.aborted) return code;
    const { watchFolder } = await import('./watch.ts');
    return await watchFolder(run);
  } finally {
    release();
  }
}

/** Looks through the folder. @throws Error that names what storage would take for something else */
export async function select(
  { output }: Context,
  folder: string,
  { group, watch, mirror }: ImportOptions,
): Promise<Selection> {
  const selection = await selectFiles(folder, group);
  const { images, badNames, skipped } = selection;
  if (badNames.length > 0) {
    const names = badNames.slice(0, 10).map(({ file, detail }) => `  ${file}: ${detail}`);
    const more = badNames.length > names.length ? [`  and ${badNames.length - names.length} more`] : [];
    const count = badNames.length + images.length;
    throw new Error(
      [
        `bad_path: ${badNames.length} of ${count} pictures cannot be sent; rename them:`,
        ...names,
        ...more,
      ].join('\n'),
    );
  }
  if (images.length === 0 && (watch !== true || mirror === true)) {
    printSkipped(output, skipped);
    throw new Error(`${folder} holds no pictures in folders of people (person/*.jpg)`);
  }
  return selection;
}

/** One comparison of a folder with the group, and what it asks for. */
export async function importSelection(run: Import, selection: Selection): Promise<ExitCode> {
  const { context, options, connection, stopped } = run;
  const { output } = context;
  const tally = createTally(selection);
  if (run.told === undefined) printSkipped(output, tally.skipped);
  const bars = createImportBars(output);
  const known = await loadKnown(connection.call, options.group);
  const toSend = await plan(run, selection.images, known, tally, bars);
  const local = new Set(selection.images.map(({ image }) => image));
  const surplus = findSurplus(known, options.mirror === true ? local : new Set(known.keys()));
  if (options.dryRun === true) return reportDryRun(run, toSend, surplus.images, tally);
  if (surplus.images.length > 0 && tally.failed.length > 0)
    throw new Error('--mirror deletes nothing while part of the folder cannot be read');
  if (!stopped.aborted && (await confirmDeletion(output, surplus, options.yes === true)))
    await deleteImages(connection, surplus.images, tally, output);
  const ended = await send(run, toSend, tally, bars);
  const sent = ended.sent;
  if (options.wait === true && !stopped.aborted && ended.reason === undefined)
    await settle(run, sent, tally, bars);
  bars.end();
  return report(run, toSend.length, tally, ended.reason);
}

/** Decides what is sent; everything else goes into the tally. */
async function plan(
  { stopped, hash, steadyBefore = Infinity }: Import,
  images: readonly LocalImage[],
  known: ReadonlyMap<string, Known>,
  tally: Tally,
  bars: ImportBars,
): Promise<ToSend[]> {
  const toSend: ToSend[] = [];
  const decide = async (local: LocalImage): Promise<void> => {
    if (stopped.aborted || local.modifiedAt > steadyBefore) return;
    const { file, image } = local;
    const there = known.get(image);
    const { as, sha256 } = await compare(local, there, () => hash(local));
    bars.compared(images.length);
    if (as === 'new' || as === 'changed') toSend.push({ ...local, sha256 });
    else if (as === 'same') tally.same += 1;
    else if (as === 'too_large') tally.refused.push({ file, reason: 'image_too_large' });
    else settleOne(file, there, tally);
  };
  await pMap(
    images,
    (local) =>
      decide(local).catch(
        (error: Error) => void tally.failed.push({ file: local.file, detail: error.message }),
      ),
    { concurrency: atOnce },
  );
  return toSend;
}

/** Puts what Rollcall refused or could not process into the tally. */
function settleOne(file: string, known: Known | undefined, tally: Tally): void {
  if (known?.state === 'rejected' && known.reason !== undefined)
    tally.refused.push({ file, reason: known.reason, detail: known.detail });
  else if (known?.state === 'failed')
    tally.failed.push({ file, detail: `${known.reason ?? 'failed'}: rollcall redrive sends it round again` });
}

/** Sends until all are sent, Ctrl-C is pressed, or nothing answers any more; what is on its way is finished. */
async function send(
  { context, folder, connection, options, stopped }: Import,
  images: readonly ToSend[],
  tally: Tally,
  bars: ImportBars,
): Promise<{ sent: Expected[]; reason?: Error }> {
  const upload = await createUpload(connection);
  const sent: Expected[] = [];
  let reason: Error | undefined;
  const follow = bars.follow(connection.call, options.group, images.length);
  await pMap(
    images,
    async (image) => {
      if (stopped.aborted || reason !== undefined) return;
      try {
        await upload(image, join(folder, image.file));
        tally.sent += 1;
        sent.push(image);
        context.output.item({ file: image.file, image: image.image, result: 'sent' });
        follow.sent();
      } catch (error) {
        const code = error instanceof ApiError ? rejectionOf(error.code) : undefined;
        if (endsImport(error)) reason ??= error as Error;
        else if (code !== undefined) tally.refused.push({ file: image.file, reason: code });
        else tally.failed.push({ file: image.file, detail: (error as Error).message });
      }
    },
    { concurrency: atOnce },
  );
  follow.end();
  return { sent, ...(reason !== undefined && { reason }) };
}

async function settle(
  { connection, options, stopped, context }: Import,
  sent: readonly Expected[],
  tally: Tally,
  bars: ImportBars,
): Promise<void> {
  const known = await waitUntilSettled(connection.call, options.group, sent, stopped, (pending) =>
    bars.settled(sent.length, sent.length - pending),
  );
  for (const { image } of known === undefined ? [] : sent) {
    const [, , ...file] = image.split('/');
    settleOne(file.join('/'), known?.get(image), tally);
  }
  if (known !== undefined) bars.settled(sent.length, sent.length);
  else context.output.note('Stopped. What was sent goes on by itself.');
}

function reportDryRun(
  { context: { output, program }, options: { group } }: Import,
  toSend: readonly ToSend[],
  surplus: readonly string[],
  tally: Tally,
): ExitCode {
  for (const { file, image, bytes } of toSend) output.item({ file, image, bytes, result: 'would_send' });
  for (const image of surplus) {
    output.item({ image, result: 'would_delete' });
    output.print(`Would delete ${image}`);
  }
  printRefused(output, tally.refused, `${program} images --group ${group} --state rejected`);
  printFailed(output, tally.failed, `${program} images --group ${group} --state failed`);
  output.print(
    `Would send ${countOf(toSend.length, 'picture')} and delete ${surplus.length}; ${tally.same.toLocaleString('en')} are there already.`,
  );
  return exitCodeFor(tally);
}

function report(
  { context: { output, program }, options, stopped, told }: Import,
  wanted: number,
  tally: Tally,
  reason: Error | undefined,
): ExitCode {
  const { same, sent, deleted, skipped } = tally;
  const isNew = <Told extends object>(one: Told): boolean => {
    const text = JSON.stringify(one);
    if (told?.has(text) === true) return false;
    told?.add(text);
    return true;
  };
  const [refused, failed] = [tally.refused.filter(isNew), tally.failed.filter(isNew)];
  printRefused(output, refused, `${program} images --group ${options.group} --state rejected`);
  printFailed(output, failed, `${program} images --group ${options.group} --state failed`);
  if (told !== undefined && sent + deleted + refused.length + failed.length === 0) return exitCodes.done;
  const counts = {
    same,
    sent,
    deleted,
    refused: refused.length,
    failed: failed.length,
    skipped: skipped.length,
  };
  output.item({ summary: { ...counts, stopped: stopped.aborted } });
  const parts = [
    `${sent.toLocaleString('en')} sent`,
    `${same.toLocaleString('en')} there already`,
    ...(deleted > 0 ? [`${deleted} deleted`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} left out`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
    ...(failed.length > 0 ? [`${failed.length} failed`] : []),
  ];
  output.print(`${parts.join(', ')}.`);
  const goOn = 'The same command goes on where this one ended: what is there is not sent again.';
  if (reason !== undefined) throw new Error(`${reason.message}. ${wanted - sent} are not sent. ${goOn}`);
  if (stopped.aborted) {
    output.note(wanted > sent ? `Stopped: ${wanted - sent} are not sent. ${goOn}` : 'Stopped.');
    return exitCodes.stopped;
  }
  if (options.wait !== true && sent > 0)
    output.note(`What becomes of them: ${program} status, or --wait next time.`);
  return exitCodeFor(tally);
}

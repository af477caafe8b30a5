import { statSync } from 'node:fs';
import { join } from 'node:path';
import pMap from 'p-map';
import { isGroupName } from '../../shared/images/imagePath.ts';
import { ApiError } from '../apiClient.ts';
import type { Context } from '../context.ts';
import { UsageError, type ExitCode } from '../exit.ts';
import { hashFile, loadKnown } from './compare.ts';
import { atOnce, type Import, type ImportOptions, type ToSend } from './importRun.ts';
import { plan, select } from './plan.ts';
import { createImportBars, type ImportBars } from './importBars.ts';
import { confirmDeletion, deleteImages, findSurplus, namesOf, noSurplus } from './mirror.ts';
import type { LocalImage, Selection } from './selectFiles.ts';
import { waitUntilSettled, type Expected } from './settle.ts';
import { stopOnInterrupt } from './stopOnInterrupt.ts';
import { report, reportDryRun, printSkipped } from './report.ts';
import { createTally, rejectionOf, settleOne, type Tally } from './tally.ts';
import { createUpload, endsImport } from './upload.ts';

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
    const run: Import = { context, folder, options, connection, stopped, hash, told: new Set() };
    if (options.watch !== true) return await importSelection(run, selection);
    const { watchFolder } = await import('./watch.ts');
    return await watchFolder(run, selection);
  } finally {
    release();
  }
}

/** One comparison of a folder with the group, and what it asks for. */
export async function importSelection(run: Import, selection: Selection): Promise<ExitCode> {
  const { context, options, connection, stopped } = run;
  const { output } = context;
  const tally = createTally(selection);
  if (run.isRepeated !== true) printSkipped(output, tally.skipped);
  const bars = createImportBars(output);
  const known = await loadKnown(connection.call, options.group);
  const toSend = await plan(run, selection.images, known, tally, bars);
  const surplus = options.mirror === true ? findSurplus(known, namesOf(selection, options.group)) : noSurplus;
  if (options.dryRun === true) return reportDryRun(run, toSend, surplus.images, tally);
  if (surplus.images.length > 0 && selection.unreadable.length > 0)
    throw new Error('--mirror deletes nothing while part of the folder cannot be read');
  if (!stopped.aborted && (await confirmDeletion(output, surplus, options.yes === true)))
    await deleteImages(connection, surplus.images, tally, output);
  const { sent, reason } = await send(run, toSend, tally, bars);
  if (options.wait === true && !stopped.aborted && reason === undefined)
    await settle(run, selection.images, sent, tally, bars);
  bars.end();
  return report(run, toSend.length, tally, reason);
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

/** Waits until what was sent is settled; what was refused or failed of all that the folder has goes into the tally. */
async function settle(
  { connection, options, stopped, context }: Import,
  images: readonly LocalImage[],
  sent: readonly Expected[],
  tally: Tally,
  bars: ImportBars,
): Promise<void> {
  const known = await waitUntilSettled(connection.call, options.group, sent, stopped, (pending) =>
    bars.settled(sent.length, sent.length - pending),
  );
  const told = new Set([...tally.refused, ...tally.failed].map(({ file }) => file));
  for (const { file, image } of known === undefined ? [] : images)
    if (!told.has(file)) settleOne(file, known?.get(image), tally);
  if (known !== undefined) bars.settled(sent.length, sent.length);
  else context.output.note('Stopped. What was sent goes on by itself.');
}

import { failures } from '../../shared/errors/errors.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import type { Import, ToSend } from './importRun.ts';
import { skipReasons, type Skipped } from './selectFiles.ts';
import { countOf, exitCodeFor, type Failed, type Refused, type Tally } from './tally.ts';

const namesAtMost = 10;
const examplesAtMost = 3;

/** Names what is left out, by reason. */
export function printSkipped(output: Output, skipped: readonly Skipped[]): void {
  for (const { file, reason } of skipped) output.item({ file, result: 'skipped', reason });
  for (const [reason, files] of Map.groupBy(skipped, (one) => one.reason)) {
    const examples = files.slice(0, examplesAtMost).map(({ file }) => file);
    const more = files.length > examples.length ? ', …' : '';
    output.print(`Left out ${files.length} (${skipReasons[reason]}): ${examples.join(', ')}${more}`);
  }
}

/** What was refused, by reason, with what helps. */
export function printRefused(output: Output, refused: readonly Refused[], more: string): void {
  for (const { file, reason, detail } of refused)
    output.item({ file, result: 'refused', reason, detail, remedy: failures[reason].remedy });
  if (refused.length === 0) return;
  output.print(`${countOf(refused.length, 'picture')} refused:`, 'yellow');
  for (const [reason, files] of Map.groupBy(refused, (one) => one.reason)) {
    output.print(`  ${reason}: ${failures[reason].title} ${failures[reason].remedy}`);
    printNames(output, files, more);
  }
}

export function printFailed(output: Output, failed: readonly Failed[], more: string): void {
  for (const { file, detail } of failed) output.item({ file, result: 'failed', detail });
  if (failed.length === 0) return;
  output.print(`${countOf(failed.length, 'file')} failed:`, 'red');
  for (const [detail, files] of Map.groupBy(failed, (one) => one.detail)) {
    output.print(`  ${detail}`);
    printNames(output, files, more);
  }
}

function printNames(output: Output, files: readonly { file: string }[], more: string): void {
  for (const { file } of files.slice(0, namesAtMost)) output.print(`    ${file}`);
  if (files.length > namesAtMost) output.print(`    and ${files.length - namesAtMost} more: ${more}`);
}

/** Says what an import would do. */
export function reportDryRun(
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

/** Says what an import did, and how to go on. */
export function report(
  { context: { output, program }, options, stopped, told, isRepeated }: Import,
  wanted: number,
  tally: Tally,
  reason: Error | undefined,
): ExitCode {
  const { same, sent, deleted, skipped } = tally;
  const isNew = <Told extends object>(one: Told): boolean => {
    const text = JSON.stringify(one);
    if (told.has(text)) return false;
    told.add(text);
    return true;
  };
  const [refused, failed] = [tally.refused.filter(isNew), tally.failed.filter(isNew)];
  printRefused(output, refused, `${program} images --group ${options.group} --state rejected`);
  printFailed(output, failed, `${program} images --group ${options.group} --state failed`);
  if (isRepeated === true && sent + deleted + refused.length + failed.length === 0) return exitCodes.done;
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
    if (wanted > sent) output.note(`Stopped: ${wanted - sent} are not sent. ${goOn}`);
    return exitCodes.stopped;
  }
  if (options.wait !== true && sent > 0)
    output.note(`What becomes of them: ${program} status, or --wait next time.`);
  return exitCodeFor(tally);
}

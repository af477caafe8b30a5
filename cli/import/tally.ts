import { failures, isRejection, type FailureCode } from '../../shared/errors/errors.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import type { Output } from '../terminal/output.ts';
import { skipReasons, type Selection, type Skipped } from './selectFiles.ts';

export type Refused = { file: string; reason: FailureCode; detail?: string | undefined };
export type Failed = { file: string; detail: string };

/** What became of the files of an import. */
export type Tally = {
  same: number;
  sent: number;
  deleted: number;
  skipped: Skipped[];
  refused: Refused[];
  failed: Failed[];
};

export function createTally({ skipped, unreadable }: Selection): Tally {
  return { same: 0, sent: 0, deleted: 0, skipped, refused: [], failed: [...unreadable] };
}

export function exitCodeFor({ failed, refused }: Tally): ExitCode {
  if (failed.length > 0) return exitCodes.failed;
  return refused.length > 0 ? exitCodes.refused : exitCodes.done;
}

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

export function countOf(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** The code of a refusal; undefined where something else went wrong. */
export function rejectionOf(code: string | undefined): FailureCode | undefined {
  return code !== undefined && isRejection(code) ? code : undefined;
}

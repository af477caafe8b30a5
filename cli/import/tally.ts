import { isFailureCode, isRejection, type FailureCode } from '../../shared/errors/errors.ts';
import { exitCodes, type ExitCode } from '../exit.ts';
import type { Known } from './compare.ts';
import type { Selection, Skipped } from './selectFiles.ts';

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

/** Puts what Rollcall refused or could not process into the tally. */
export function settleOne(file: string, known: Known | undefined, tally: Tally): void {
  if (known?.state === 'rejected' && known.reason !== undefined)
    tally.refused.push({ file, reason: known.reason, detail: known.detail });
  else if (known?.state === 'failed')
    tally.failed.push({ file, detail: `${known.reason ?? 'failed'}: rollcall redrive sends it round again` });
}

export function countOf(count: number, what: string): string {
  return `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;
}

/** The code of a refusal; undefined where something else went wrong. */
export function rejectionOf(code: string | undefined): FailureCode | undefined {
  return code !== undefined && isFailureCode(code) && isRejection(code) ? code : undefined;
}

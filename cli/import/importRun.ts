import type { Context } from '../context.ts';
import type { Connection } from '../where/connect.ts';
import type { LocalImage } from './selectFiles.ts';

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
  /** Whether an earlier comparison of the same import has told what is left out. */
  isRepeated?: boolean;
  /** The refusals and failures that were told. */
  told: Set<string>;
};

/** A file to send; `sha256` where it had to be read to know that it is another. */
export type ToSend = LocalImage & { sha256?: string | undefined };

/** How many files are read or sent at a time. */
export const atOnce = 8;

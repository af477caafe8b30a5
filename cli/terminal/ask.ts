import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { Writable } from 'node:stream';
import type { Output } from './output.ts';
import { toPrintable } from './text.ts';

/** Whether there is a person to ask. */
export function canAsk(output: Output): boolean {
  return process.stdin.isTTY && output.isWatched;
}

/** Asks for yes or no; anything but yes is no. */
export async function askYes(output: Output, question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await ask(output, `${question} [y/N] `)).trim());
}

export async function ask(output: Output, question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: output.stderr });
  try {
    return await lines.question(toPrintable(question));
  } finally {
    lines.close();
  }
}

/** Reads a secret: typed unseen by a person, or all of the standard input where it is a pipe or a file. */
export async function readSecret(output: Output, question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  output.stderr.write(question);
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: true });
  try {
    return (await lines.question('')).trim();
  } finally {
    lines.close();
    output.stderr.write('\n');
  }
}

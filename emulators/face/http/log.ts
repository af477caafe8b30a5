/** Takes a line that names no picture, person, path or vector. */
export type Log = (line: string) => void;

/** Where an error comes from, without its message, which may quote what a caller has sent. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, 8)].join('\n');
}

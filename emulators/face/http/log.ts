/** Takes one line, which never contains an image, a person, a path or a vector. */
export type Log = (line: string) => void;

/** The name and stack of an error without its message, which may quote a caller's data. */
export function toTrace(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return [error.name, ...frames.slice(0, 8)].join('\n');
}

import { RollcallError } from './errors.ts';

/** The most stack frames of this project in a log line. */
const framesAtMost = 3;

/**
 * The text by which an error is logged. For a `RollcallError`: code, detail, and name and codes of the cause. For any
 * other error: name, codes and stack frames, but never the message, because a message may hold a path or a name.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof RollcallError))
    return error instanceof Error
      ? `internal: ${[describeTraits(error), ...listFrames(error)].join(' at ')}`
      : 'internal';
  const { code, message, cause } = error;
  if (code === 'internal' && cause !== undefined) return describeError(cause);
  return cause instanceof Error ? `${code}: ${message} (${describeTraits(cause)})` : `${code}: ${message}`;
}

/** The name of an error, with its `code` and `statusCode` where present. */
function describeTraits(error: Error): string {
  const { code, statusCode } = error as Error & { code?: unknown; statusCode?: unknown };
  const codes = [code, statusCode].filter((value) => typeof value === 'string' || typeof value === 'number');
  return [error.name, ...codes].join(' ');
}

/** Stack frames of an error in this project, innermost first, each as file, line and column. */
function listFrames({ message, stack = '' }: Error): string[] {
  const own = stack
    .replace(message, '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !/node:|node_modules/.test(line));
  return own.slice(0, framesAtMost).flatMap((line) => /[^/\\(]+:\d+:\d+(?=\)?$)/.exec(line)?.[0] ?? []);
}

/**
 * The log of the pipeline. A line holds codes, counts and hashed keys; never a name, a path, an image, a vector or a
 * secret. An error is logged by its code and the parts of it that hold no personal data (see `describeError`).
 */
export interface Log {
  info(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
}

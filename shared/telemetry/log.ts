/**
 * Where the pipeline says what it does. A line holds codes, counts and hashed keys; never a name, a path, a
 * picture, a vector or a secret. An error is told by its code and what may be said of it.
 */
export interface Log {
  info(message: string): void;
  warn(message: string, error?: unknown): void;
  error(message: string, error?: unknown): void;
}

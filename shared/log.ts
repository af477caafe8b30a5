/**
 * Where the pipeline says what it does. A line holds codes, counts and hashed keys; never a name, a path, a
 * picture, a vector or a secret.
 */
export interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

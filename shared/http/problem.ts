import type { z } from 'zod';
import { failures, RollcallError } from '../errors/errors.ts';
import { toRollcallError } from '../pipeline/failurePolicy.ts';
import type { ApiAnswer } from './route.ts';

/** An invalid request. `errors` says for each wrong field what was expected. */
export class InvalidRequest extends RollcallError {
  readonly errors: readonly { field: string; expected: string }[];
  constructor(errors: readonly { field: string; expected: string }[]) {
    super('bad_request', errors.map(({ field, expected }) => `${field}: ${expected}`).join('; '));
    this.errors = errors;
  }
}

/** Parses a part of a request. @throws InvalidRequest */
export function parsed<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidRequest(
    result.error.issues.map((issue) => ({ field: issue.path.join('.') || where, expected: issue.message })),
  );
}

/** Any failure as problem details (RFC 9457). An unexpected error gives only `internal`, without its message. */
export function toProblem(error: unknown): Required<ApiAnswer> {
  const failure = toRollcallError(error);
  const { status, title } = failures[failure.code];
  const { retryAfterMs } = failure;
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
    },
    body: {
      type: `/api/problems/${failure.code}`,
      title,
      status,
      ...(failure.message !== title && { detail: failure.message }),
      code: failure.code,
      ...(failure instanceof InvalidRequest && { errors: failure.errors }),
    },
  };
}

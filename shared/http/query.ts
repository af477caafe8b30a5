import { z } from 'zod';
import { InvalidRequest, parsed } from './problem.ts';
import type { ApiRequest } from './route.ts';

/** The schema of a route without query parameters. */
export const noQuery = z.object({});

/**
 * Parses the query of a request. A blank parameter, or one that the route does not have, is rejected: reading a blank
 * as zero, or ignoring an unknown parameter, would change the meaning of the request. The parameter `code` is accepted
 * everywhere, because the platform reads a function key from it.
 * @throws InvalidRequest
 */
export function queryOf<Schema extends z.ZodObject>(request: ApiRequest, schema: Schema): z.output<Schema> {
  const { code: _key, ...given } = request.query;
  const errors = Object.entries(given).flatMap(([field, value]) => {
    if (!Object.hasOwn(schema.shape, field)) return [{ field, expected: 'no such parameter' }];
    return value.trim() === '' ? [{ field, expected: 'a value' }] : [];
  });
  if (errors.length > 0) throw new InvalidRequest(errors);
  return parsed(schema, given, 'query');
}

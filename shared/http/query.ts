import { z } from 'zod';
import { InvalidRequest, parsed } from './problem.ts';
import type { ApiRequest } from './route.ts';

/** The query of a route that asks for nothing in it. */
export const noQuery = z.object({});

/**
 * The query of a request. A parameter that is blank or that the route does not have is a mistake of the caller's:
 * read as zero or passed over, it would change what is asked. `code` may hold the function key, and is the platform's.
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

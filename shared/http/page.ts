import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { Page } from '../records/imageRecords.ts';
import { InvalidRequest } from './problem.ts';
import { queryOf } from './query.ts';
import type { ApiRequest } from './route.ts';

/*
 * A page token holds the position at which the next page begins, and a checksum of the position and the list. Without
 * the checksum, a damaged token, or a token of another list, would begin at a wrong position without an error.
 */

const checksumLength = 10;

type PageQuery = { after?: string | undefined };

/**
 * The query of a list, with the page token in `after` replaced by the position that the token holds.
 * @throws InvalidRequest when a parameter is wrong or the token is not of this list
 */
export function pageQueryOf<Schema extends z.ZodObject>(
  request: ApiRequest,
  schema: Schema,
): z.output<Schema> & PageQuery {
  const query = queryOf(request, schema) as z.output<Schema> & PageQuery;
  return query.after === undefined ? query : { ...query, after: positionOf(request, query.after) };
}

/** Converts a page of records to a page of the API, with a token for the next page. */
export function pageOf<Record, View>(
  request: ApiRequest,
  { items, next }: Page<Record>,
  view: (record: Record) => View,
): Page<View> {
  return { items: items.map(view), ...(next === undefined ? {} : { next: tokenOf(request, next) }) };
}

/** The page token for a position in the list of the request. */
export function tokenOf(request: ApiRequest, position: string): string {
  return checksumOf(request, position) + Buffer.from(position).toString('base64url');
}

function positionOf(request: ApiRequest, token: string): string {
  const position = Buffer.from(token.slice(checksumLength), 'base64url').toString();
  if (tokenOf(request, position) === token) return position;
  throw new InvalidRequest([
    { field: 'after', expected: 'a token that a page of this list returned as next' },
  ]);
}

/** A list with another filter counts as another list, because its rows are read from another place. */
function checksumOf({ route, params, query }: ApiRequest, position: string): string {
  const list = JSON.stringify([route, params, query['state'], query['person'], query['reason'], position]);
  return createHash('sha256').update(list).digest('base64url').slice(0, checksumLength);
}

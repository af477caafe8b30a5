import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { Page } from '../records/imageRecords.ts';
import { InvalidRequest } from './problem.ts';
import { queryOf } from './query.ts';
import type { ApiRequest } from './route.ts';

/*
 * The token of a page is where the next one begins, and a checksum of that and of the list. A token that was damaged,
 * or that another list returned, would begin somewhere else, and nobody would notice.
 */

const checksumLength = 10;

type PageQuery = { after?: string | undefined };

/** The query of a list; `after` is where its page begins. @throws InvalidRequest */
export function pageQueryOf<Schema extends z.ZodObject>(
  request: ApiRequest,
  schema: Schema,
): z.output<Schema> & PageQuery {
  const query = queryOf(request, schema) as z.output<Schema> & PageQuery;
  return query.after === undefined ? query : { ...query, after: positionOf(request, query.after) };
}

/** A page as callers see it. */
export function pageOf<Record, View>(
  request: ApiRequest,
  { items, next }: Page<Record>,
  view: (record: Record) => View,
): Page<View> {
  return { items: items.map(view), ...(next === undefined ? {} : { next: tokenOf(request, next) }) };
}

/** The token of a position in this list. */
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

/** What is filtered in another way is another list: its rows are read in another place. */
function checksumOf({ route, params, query }: ApiRequest, position: string): string {
  const list = JSON.stringify([route, params, query['state'], query['person'], query['reason'], position]);
  return createHash('sha256').update(list).digest('base64url').slice(0, checksumLength);
}

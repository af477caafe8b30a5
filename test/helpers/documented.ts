import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { failures } from '../../shared/errors.ts';
import type { Route } from '../../shared/http/route.ts';
import { routes } from '../../shared/http/routes.ts';
import { problem } from '../../shared/http/schemas.ts';

/**
 * Checks an answer of the HTTP API against the document: its status is documented for the route, and its body is
 * what the document says, no more and no less.
 * @throws Error that says what is not documented
 */
export function expectDocumented(method: string, path: string, status: number, body: unknown): void {
  const route = routes.find((candidate) => candidate.method === method && matches(candidate, path));
  // What is in no row of the table is answered by one function for all of it.
  const schema = route === undefined ? { 404: problem }[status] : schemaOf(route, status);
  if (schema === undefined) throw new Error(`${method} ${path} answered ${status}, which is not documented`);
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Error(`${method} ${path} ${status}: ${z.prettifyError(parsed.error)}`);
  if (!isDeepStrictEqual(parsed.data, body)) {
    throw new Error(`${method} ${path} ${status} says more than is documented: ${JSON.stringify(body)}`);
  }
}

function matches({ path }: Route, url: string): boolean {
  const pattern = path.replaceAll(/\{\*\w+\}/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+');
  return new RegExp(`^${pattern}$`).test(url.split('?', 1)[0] ?? '');
}

function schemaOf({ answer, alsoAnswers = {}, access, failures: codes }: Route, status: number) {
  if (status === answer.status) return answer.schema;
  const also = alsoAnswers[status];
  if (also !== undefined) return also;
  const denied = access === 'open' ? [] : (['not_authenticated', 'not_allowed'] as const);
  const statuses = [...denied, ...codes, 'internal' as const].map((code) => failures[code].status as number);
  return statuses.includes(status) ? problem : undefined;
}

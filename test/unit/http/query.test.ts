import { expect, test } from 'vitest';
import { queryOf } from '../../../shared/http/query.ts';
import type { ApiRequest } from '../../../shared/http/route.ts';
import { routes } from '../../../shared/http/routes.ts';
import { identifyQuery } from '../../../shared/http/schemas.ts';

function request(query: Record<string, string>): ApiRequest {
  return {
    route: 'x',
    method: 'GET',
    path: '/api/x',
    caller: () => '',
    params: {},
    query,
    header: () => undefined,
    body: async () => new Uint8Array(),
  };
}

test('what is not given has its default', () => {
  expect(queryOf(request({}), identifyQuery)).toEqual({ maxCandidates: 1 });
});

test.each(['', ' ', '\t'])('a blank value is refused, not read as zero', (confidenceThreshold) => {
  expect(() => queryOf(request({ confidenceThreshold }), identifyQuery)).toThrow(
    'confidenceThreshold: a value',
  );
});

test.each(['confidencethreshold', 'toString', '__proto__'])('%s is no parameter', (name) => {
  const query = Object.fromEntries([[name, '1']]);
  expect(() => queryOf(request(query), identifyQuery)).toThrow(`${name}: no such parameter`);
});

test('the key of the platform may come in the query of every route', () => {
  for (const { query = identifyQuery, name } of routes) {
    const needed: Record<string, string> = name === 'verify' ? { person: 'ann' } : {};
    expect(queryOf(request({ ...needed, code: 'secret' }), query)).not.toHaveProperty('code');
  }
});

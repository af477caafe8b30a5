import { expect, test } from 'vitest';
import { pageOf, pageQueryOf } from '../../../shared/http/page.ts';
import type { ApiRequest } from '../../../shared/http/route.ts';
import { routes } from '../../../shared/http/routes.ts';
import { imageQuery } from '../../../shared/http/schemas.ts';
import { examplePath } from '../../helpers/principal.ts';
import { inMemory } from '../../helpers/inMemory.ts';

function requestOf(of: Partial<ApiRequest> = {}): ApiRequest {
  return {
    route: 'listImages',
    method: 'GET',
    path: '/api/x',
    caller: () => '',
    params: { group: 'club' },
    query: {},
    header: () => undefined,
    body: async () => new Uint8Array(),
    ...of,
  };
}

const position = '3i.pAbC.iDeF';
const token = pageOf(requestOf(), { items: [], next: position }, (item) => item).next ?? '';
const read = (after: string, of: Partial<ApiRequest> = {}) => {
  const request = requestOf(of);
  return pageQueryOf({ ...request, query: { ...request.query, after } }, imageQuery).after;
};

test('a token is where the next page begins', () => {
  expect(read(token)).toBe(position);
});

test('a token with one character changed, lost or added is refused', () => {
  for (let at = 0; at < token.length; at += 1) {
    const [before, after] = [token.slice(0, at), token.slice(at + 1)];
    for (const damaged of [`${before}${after}`, `${before}${token[at] === 'A' ? 'B' : 'A'}${after}`])
      expect(() => read(damaged), damaged).toThrow(/after: a token/);
  }
  for (const damaged of [`${token}A`, `${token}=`, `A${token}`])
    expect(() => read(damaged)).toThrow(/after: a token/);
});

test('a token of another list is refused', () => {
  for (const of of [
    { route: 'listPersons' },
    { params: { group: 'desk' } },
    { query: { state: 'failed' } },
    { query: { person: 'ann' } },
  ])
    expect(() => read(token, of)).toThrow(/after: a token/);
});

const lists = routes.filter(({ query }) => query !== undefined && 'after' in query.shape);

test.each(lists)('$name refuses a token that it has not returned', async ({ method, path }) => {
  const app = inMemory();
  await app.call('PUT', 'groups/nowhere', { body: '{}' });
  for (const after of ['x', '9', '~/', 'nowhere', '0i.', 'r1', token])
    expect(await app.call(method, `${examplePath(path)}?after=${encodeURIComponent(after)}`)).toMatchObject({
      status: 400,
      body: { code: 'bad_request', errors: [{ field: 'after' }] },
    });
});

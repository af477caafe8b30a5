import { expect, test } from 'vitest';
import { answerUnrouted, methodsOf } from '../../../shared/http/methods.ts';
import { routes } from '../../../shared/http/routes.ts';
import { examplePath } from '../../helpers/principal.ts';

const answer = (method: string, path: string) => answerUnrouted(routes, method, `/api/${path}`);
const paths = [...new Set(routes.map(({ path }) => path))];

test.each(paths)('%s tells its methods to OPTIONS, and refuses any other with them', (template) => {
  const known = routes.filter(({ path }) => path === template).flatMap(methodsOf);
  const allow = [...known, 'OPTIONS'].join(', ');
  const path = examplePath(template);
  expect(answer('OPTIONS', path)).toEqual({ status: 204, headers: { allow }, body: undefined });
  for (const url of [path, `${path}/`])
    expect(answer('PATCH', url)).toMatchObject({
      status: 405,
      headers: { allow, 'content-type': 'application/problem+json' },
      body: { code: 'method_not_allowed', detail: `This path answers ${allow}.` },
    });
});

test('every GET answers HEAD', () => {
  for (const route of routes) expect(methodsOf(route).includes('HEAD')).toBe(route.method === 'GET');
});

test.each(['', 'groups/a/b', 'openapi-json', 'groups/a/persons/b/images'])('/api/%s is unknown', (path) => {
  for (const method of ['GET', 'OPTIONS', 'PATCH'])
    expect(() => answer(method, path)).toThrow(expect.objectContaining({ code: 'route_not_found' }));
});

import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { failures } from '../../../shared/errors/errors.ts';
import { routes } from '../../../shared/http/routes.ts';
import { apiDocument } from '../../../scripts/guides.ts';

test('a linter finds nothing to say about the document', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] });
  const problems = await lintFromString({ source: await apiDocument(), config });
  expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
    [],
  );
});

test('every route is one operation of the document, under its own name', async () => {
  const { paths } = JSON.parse(await apiDocument()) as {
    paths: Record<string, Record<string, { operationId: string; responses: object; security: object[] }>>;
  };
  const operations = Object.values(paths).flatMap((path) => Object.values(path));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(routes.length);
  for (const route of routes) {
    const operation = paths[`/api/${route.path.replace('{*', '{')}`]?.[route.method.toLowerCase()];
    expect(operation?.operationId).toBe(route.name);
    expect(Object.keys(operation?.responses ?? {})).toContain(String(route.answer.status));
    for (const code of route.failures)
      expect(Object.keys(operation?.responses ?? {})).toContain(String(failures[code].status));
    expect(operation?.security.length).toBe(route.access === 'open' ? 0 : 2);
  }
});

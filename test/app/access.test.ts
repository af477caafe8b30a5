import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiClient } from '../../cli/apiClient.ts';
import { appRoles, principalHeader } from '../../shared/http/access.ts';
import { routes } from '../../shared/http/routes.ts';
import { portrait } from '../helpers/pictures.ts';
import { examplePath, guardedRoutes, principalOf } from '../helpers/principal.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ auth: true });
});
afterAll(() => stack.close());

test.each(guardedRoutes)('$method $path asks for a key', async ({ method, path: template }) => {
  for (const headers of [
    {},
    { 'x-functions-key': 'guessed' },
    // What only the platform may say.
    { [principalHeader]: principalOf(appRoles.admin) },
  ]) {
    expect((await stack.api(examplePath(template), { method, headers })).status).toBe(401);
  }
});

test('what is open stays open', async () => {
  for (const { path: template } of routes.filter(({ access }) => access === 'open')) {
    const { status } = await stack.api(examplePath(template));
    // Health tells of a part that is slow, too.
    expect(template === 'health' ? [200, 503] : [200]).toContain(status);
  }
});

test('the host has keys of its own for its webhooks and its administration, which the storage account knows', async () => {
  const { http, httpKey = '' } = stack.stack.endpoints;
  for (const [method, place] of [
    ['GET', 'admin/host/status'],
    ['POST', 'admin/functions/sweep'],
    ['POST', 'runtime/webhooks/blobs'],
    ['POST', 'runtime/webhooks/EventGrid'],
  ] as const) {
    for (const headers of [{}, { 'x-functions-key': httpKey }])
      expect((await fetch(`${http}/${place}`, { method, headers })).status).toBe(401);
  }
  const at = { headers: { 'x-functions-key': httpKey } };
  const stateOf = async (): Promise<string | undefined> => {
    const { body } = await stack.api('images', at);
    return (body as { items: { image: string; state: string }[] }).items.find(
      ({ image }) => image === 'enroll/locked/ann/1.jpg',
    )?.state;
  };
  await stack.drop('enroll/locked/ann/1.jpg', portrait('audrey_crop.jpg'));
  await expect.poll(stateOf, { timeout: 120_000 }).toBe('enrolled');
  await stack.remove('enroll/locked/ann/1.jpg');
  await expect.poll(stateOf, { timeout: 120_000 }).toBe('removed');
});

test('the typed client does the main job with a key', async () => {
  const call = apiClient(stack.stack.endpoints);
  const put = await call('PUT groups/{group}', { group: 'club', body: { minQuality: 'medium' } });
  expect(put).toMatchObject({ group: 'club', minQuality: 'medium' });
  const body = new Blob([new Uint8Array(portrait('audrey_crop.jpg'))], { type: 'image/jpeg' });
  const image = { group: 'club', person: 'Ann O’Neil', image: 'holiday/1.jpg' };
  expect(await call('PUT groups/{group}/persons/{person}/images/{*image}', { ...image, body })).toEqual({
    image: 'enroll/club/Ann O’Neil/holiday/1.jpg',
  });
  const { items } = await call('GET groups/{group}/images', {
    group: 'club',
    query: { top: 10, state: 'rejected' },
  });
  expect(items).toEqual([]);
  expect(await call('DELETE groups/{group}', { group: 'club' })).toMatchObject({ kind: 'group' });
});

test('the typed client rejects with the code of a problem, or without one where the host refuses', async () => {
  const { http, httpKey } = stack.stack.endpoints;
  const group = { group: 'nowhere' };
  await expect(apiClient({ http, httpKey })('GET groups/{group}', group)).rejects.toMatchObject({
    status: 404,
    code: 'group_not_found',
  });
  await expect(apiClient({ http })('GET groups/{group}', group)).rejects.toMatchObject({
    status: 401,
    code: undefined,
  });
});

test('without authentication by the platform, the principal header is not trusted: the start stops', async () => {
  await expect(startTestStack({ settings: { ROLLCALL_AUTH: 'entra' } })).rejects.toThrow(
    /App Service authentication is not on/,
  );
});

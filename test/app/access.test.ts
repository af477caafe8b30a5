import { afterAll, beforeAll, expect, test } from 'vitest';
import * as api from '../../cli/api.ts';
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
  for (const { path: template } of routes.filter(({ access }) => access === 'open'))
    expect((await stack.api(examplePath(template))).status).toBe(200);
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
  await expect.poll(stateOf, { timeout: 30_000 }).toBe('enrolled');
  await stack.remove('enroll/locked/ann/1.jpg');
  await expect.poll(stateOf, { timeout: 30_000 }).toBe('removed');
});

test('the generated client does the main job with a key', async () => {
  const { http, httpKey = '' } = stack.stack.endpoints;
  const at = { baseUrl: http, headers: { 'x-functions-key': httpKey } };
  const put = await api.putGroup('club', { minQuality: 'medium' }, {}, at);
  expect(put).toMatchObject({ status: 200, data: { group: 'club', minQuality: 'medium' } });
  const picture = new Blob([new Uint8Array(portrait('audrey_crop.jpg'))], { type: 'image/jpeg' });
  const dropped = await api.putImage('club', 'Ann O’Neil', 'holiday/1.jpg', picture, {}, at);
  expect(dropped).toMatchObject({ status: 202, data: { image: 'enroll/club/Ann O’Neil/holiday/1.jpg' } });
  const listed = await api.listImages('club', {}, at);
  expect(listed).toMatchObject({ status: 200 });
  expect(await api.getGroup('nowhere', {}, at)).toMatchObject({
    status: 404,
    data: { code: 'group_not_found' },
  });
  expect(await api.deleteGroup('club', {}, at)).toMatchObject({ status: 202, data: { kind: 'group' } });
});

test('without authentication by the platform, the principal header is not trusted: the start stops', async () => {
  await expect(startTestStack({ settings: { ROLLCALL_AUTH: 'entra' } })).rejects.toThrow(
    /App Service authentication is not on/,
  );
});

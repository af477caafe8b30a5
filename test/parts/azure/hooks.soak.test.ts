import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../helpers/temporary.ts';

/*
 * The hooks of azd, run as azd runs them. Azure, azd and the Bicep compiler cannot be had here: a server answers in the
 * form of Azure Resource Manager, and two scripts stand for the commands.
 */

const run = promisify(execFile);
const subscription = '00000000-0000-0000-0000-000000000002';

type Answer = { status?: number; body?: unknown };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: ReturnType<typeof createServer>;
/** What Azure answers, by the end of the path; the last answer of a list is repeated. */
let answers: Record<string, Answer[]>;
let asked: string[];
let sent: { path: string; body: unknown }[];

beforeEach(async () => {
  folder = await temporaryFolder();
  asked = [];
  sent = [];
  const commands = {
    azd: `echo '{"token":"a-token","expiresOn":"2999-01-01T00:00:00Z"}'`,
    bicep: `echo '{"resources":[]}'`,
  };
  for (const [name, does] of Object.entries(commands)) {
    await writeFile(join(folder.path, name), `#!/bin/sh\n${does}\n`);
    await chmod(join(folder.path, name), 0o755);
  }
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  answers = {
    ...Object.fromEntries(
      [
        ...['Microsoft.App', 'Microsoft.CognitiveServices', 'Microsoft.EventGrid', 'Microsoft.Insights'],
        ...['Microsoft.OperationalInsights', 'Microsoft.ServiceBus', 'Microsoft.Storage', 'Microsoft.Web'],
      ].map((name) => [name, [{ body: { registrationState: 'Registered' } }]]),
    ),
    geoRegions: [{ body: { value: [{ name: 'West Europe' }, { name: 'Sweden Central' }] } }],
    skus: [
      {
        body: {
          value: [
            { kind: 'Face', name: 'S0', locations: ['WESTEUROPE', 'NORTHEUROPE'], restrictions: [] },
            { kind: 'Face', name: 'F0', locations: ['SWEDENCENTRAL'], restrictions: [] },
          ],
        },
      },
    ],
    accounts: [{ body: { value: [{ kind: 'Face', name: 'other', location: 'westeurope' }] } }],
    deletedAccounts: [{ body: { value: [] } }],
  };
});

afterEach(async () => {
  server.close();
  await folder.remove();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '', 'http://azure.invalid');
  const name = pathname.split('/').at(-1) ?? '';
  const text = (await request.toArray()).join('');
  asked.push(`${request.method} ${name} ${request.headers.authorization}`);
  if (text !== '') sent.push({ path: pathname, body: JSON.parse(text) });
  const given = answers[name] ?? [{ status: 404, body: { error: { code: 'NotFound', message: name } } }];
  const { status = 200, body = {} } = (given.length > 1 ? given.shift() : given[0]) ?? {};
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function runHook(script: string, env: Record<string, string> = {}) {
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}`;
  const { stdout, stderr, code } = await run(process.execPath, [resolve('scripts/azure', script)], {
    env: {
      PATH: `${folder.path}:${process.env['PATH'] ?? ''}`,
      HOME: folder.path,
      AZURE_RESOURCE_MANAGER_ENDPOINT: address,
      AZURE_SUBSCRIPTION_ID: subscription,
      AZURE_LOCATION: 'westeurope',
      AZURE_RESOURCE_GROUP: 'rg-demo',
      FUNCTION_APP_NAME: 'func-demo',
      STORAGE_ACCOUNT_NAME: 'stdemo',
      EVENT_TOPIC_NAME: 'evgt-demo',
      ROLLCALL_API: `${address}/api`,
      SUBSCRIPTIONS_PAUSE_SECONDS: '0',
      ...env,
    },
  }).then(
    (ended) => ({ ...ended, code: 0 }),
    (error: unknown) => error as { stdout: string; stderr: string; code: number },
  );
  return { stdout, stderr, code };
}

test('a deployment that lacks nothing goes on, and what Azure does not tell is said', async () => {
  const { stdout, code } = await runHook('preprovision.js');
  expect({ stdout, code }).toMatchObject({ code: 0 });
  expect(stdout).toContain('Limited Access');
  expect(new Set(asked.map((line) => line.split(' ').slice(-2).join(' ')))).toEqual(
    new Set(['Bearer a-token']),
  );
});

test('all that is missing is said at once, before anything is created', async () => {
  answers['Microsoft.App'] = [{ body: { registrationState: 'NotRegistered' } }];
  answers['accounts'] = [{ body: { value: [] } }];
  answers['deletedAccounts'] = [{ body: { value: [{ name: 'face-demo' }] } }];
  const { stderr, code } = await runHook('preprovision.js', {
    AZURE_LOCATION: 'swedencentral',
    FACE_NAME: 'face-demo',
  });
  expect(code).toBe(1);
  expect(stderr).toContain('does not know Microsoft.App');
  expect(stderr).toContain('swedencentral has no Face of plan S0');
  expect(stderr).toContain('Regions that offer both to this subscription: westeurope.');
  expect(stderr).toContain('face-demo was deleted and is kept for 48 hours');
  expect(stderr).toContain('azd env set FACE_TERMS_ACCEPTED true');
  expect(stderr).toContain('Nothing was created.');
});

test('accepted terms and an existing Face resource are believed; a full region is not', async () => {
  answers['accounts'] = [{ body: { value: [] } }];
  expect((await runHook('preprovision.js', { FACE_TERMS_ACCEPTED: 'true' })).code).toBe(0);
  expect((await runHook('preprovision.js', { FACE_RESOURCE: 'mine' })).code).toBe(0);
  const ten = Array.from({ length: 10 }, () => ({ kind: 'Face', name: 'x', location: 'westeurope' }));
  answers['accounts'] = [{ body: { value: ten } }];
  const { stderr } = await runHook('preprovision.js');
  expect(stderr).toContain('westeurope has 10 Face resources of this subscription, and 10 are allowed');
});

test('the subscriptions are deployed once the host has the key of its webhook', async () => {
  answers['listkeys'] = [
    { status: 400, body: { error: { code: 'BadRequest', message: 'the host is not running' } } },
    { body: { systemKeys: {} } },
    { body: { systemKeys: { blobs_extension: 'a-key' } } },
  ];
  const state = (provisioningState: string) => ({ body: { properties: { provisioningState } } });
  answers['rollcall-events'] = [state('Accepted'), state('Running'), state('Succeeded')];
  const { stderr, code } = await runHook('createSubscriptions.ts');
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  expect(asked.filter((line) => line.startsWith('POST listkeys'))).toHaveLength(3);
  // A key never leaves Azure: the template asks for it.
  expect(JSON.stringify(sent)).not.toContain('a-key');
  expect(sent).toEqual([
    {
      path: `/subscriptions/${subscription}/resourceGroups/rg-demo/providers/Microsoft.Resources/deployments/rollcall-events`,
      body: {
        properties: {
          mode: 'Incremental',
          template: { resources: [] },
          parameters: {
            functionAppName: { value: 'func-demo' },
            storageAccountName: { value: 'stdemo' },
            eventTopicName: { value: 'evgt-demo' },
          },
        },
      },
    },
  ]);
});

test('a host that does not start, and subscriptions that are refused, end with how to repeat', async () => {
  answers['listkeys'] = [{ body: { systemKeys: {} } }];
  const waited = await runHook('createSubscriptions.ts', { SUBSCRIPTIONS_KEY_SECONDS: '0' });
  expect(waited.code).toBe(1);
  expect(waited.stderr).toContain('azd hooks run postdeploy');
  answers['listkeys'] = [{ body: { systemKeys: { blobs_extension: 'a-key' } } }];
  const error = { code: 'Refused', message: 'the webhook did not answer' };
  answers['rollcall-events'] = [
    { body: {} },
    { body: { properties: { provisioningState: 'Failed', error } } },
  ];
  const refused = await runHook('createSubscriptions.ts');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('the webhook did not answer');
  expect(refused.stderr).toContain('azd hooks run postdeploy');
});

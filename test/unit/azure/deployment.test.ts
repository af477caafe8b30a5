import { existsSync, readFileSync } from 'node:fs';
import type { TokenCredential } from '@azure/identity';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { azureResources } from '../../../scripts/azureResources.ts';
import { emulatorConfig } from '../../../scripts/emulatorConfig.ts';
import { connect } from '../../../shared/app/clients.ts';
import { queues } from '../../../shared/config/resources.ts';
import { readSettings } from '../../../shared/config/settings.ts';
import { registeredBindings } from './bindings.ts';
import { deployments, lastName, oneOf, resourcesOf } from './snapshots.ts';

const azureYaml = readFileSync('azure.yaml', 'utf8');
const bindings = await registeredBindings();

/** Settings that Flex Consumption takes from its own configuration, or does not know. */
const forbiddenOnFlex = [
  ...['ENABLE_ORYX_BUILD', 'FUNCTIONS_EXTENSION_VERSION', 'FUNCTIONS_WORKER_RUNTIME'],
  ...['FUNCTIONS_WORKER_RUNTIME_VERSION', 'FUNCTIONS_MAX_HTTP_CONCURRENCY', 'FUNCTIONS_WORKER_PROCESS_COUNT'],
  ...['FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED', 'SCM_DO_BUILD_DURING_DEPLOYMENT', 'TZ'],
  ...['WEBSITE_CONTENTAZUREFILECONNECTIONSTRING', 'WEBSITE_CONTENTOVERVNET', 'WEBSITE_CONTENTSHARE'],
  ...['WEBSITE_DNS_SERVER', 'WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT', 'WEBSITE_NODE_DEFAULT_VERSION'],
  ...['WEBSITE_RUN_FROM_PACKAGE', 'WEBSITE_SKIP_CONTENTSHARE_VALIDATION', 'WEBSITE_TIME_ZONE'],
  ...['WEBSITE_USE_PLACEHOLDER', 'WEBSITE_VNET_ROUTE_ALL', 'AzureWebJobsDashboard'],
];
/** Settings of the platform that the app is given. */
const platformSettings = [
  /^AzureWebJobsStorage__(blobServiceUri|queueServiceUri|tableServiceUri|credential|clientId)$/,
  /^APPLICATIONINSIGHTS_(CONNECTION_STRING|AUTHENTICATION_STRING)$/,
  /^AZURE_CLIENT_ID$/,
];
const ownSettings = /^(ROLLCALL|FACE)_/;

/** The settings that a deployment gives the app, with a sample in the place of what is known in Azure only. */
function appSettings(): Record<string, string> {
  const given = oneOf('public', 'Microsoft.Web/sites/config', '/appsettings').properties ?? {};
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, sampleOf(name, String(value))]),
  );
}

function sampleOf(name: string, value: string): string {
  if (!value.startsWith('[')) return value;
  const service = /__(blob|queue|table)ServiceUri$/.exec(name)?.[1];
  if (service !== undefined) return `https://name.${service}.core.windows.net`;
  if (name.endsWith('__fullyQualifiedNamespace')) return 'name.servicebus.windows.net';
  if (name === 'FACE_ENDPOINT') return 'https://name.cognitiveservices.azure.com/';
  return 'known in Azure only';
}

test('the settings that the app is given are those that it reads', () => {
  const settings = appSettings();
  expect(readSettings(settings)).toMatchObject({ FACE_QUOTA: [{ calls: 10, windowMs: 1_000 }] });
  const identity: TokenCredential = { getToken: () => Promise.resolve(null) };
  const { blobs, table } = connect(settings, identity);
  expect(blobs.url).toBe('https://name.blob.core.windows.net/');
  expect(table('groups').url).toBe('https://name.table.core.windows.net');
  const unknown = Object.keys(settings).filter(
    (name) => !ownSettings.test(name) && !platformSettings.some((known) => known.test(name)),
  );
  expect(unknown).toEqual([]);
});

test('no setting is forbidden on Flex Consumption, and none is a secret', () => {
  const settings = appSettings();
  expect(Object.keys(settings).filter((name) => forbiddenOnFlex.includes(name))).toEqual([]);
  // This one says where telemetry goes; with local authentication off it opens nothing.
  const secretive = Object.keys(settings).filter((name) =>
    /key|secret|password|connection_?string/i.test(name),
  );
  expect(secretive).toEqual(['APPLICATIONINSIGHTS_CONNECTION_STRING']);
});

test('the quota that the app is given is that of a new S0 resource', () => {
  expect(appSettings()['FACE_QUOTA']).toBe('10/s');
});

test('azd passes parameters that there are, and those that have to be given', () => {
  const { parameters } = JSON.parse(readFileSync('infra/main.parameters.json', 'utf8')) as {
    parameters: Record<string, { value: string }>;
  };
  const declared = [...readFileSync('infra/main.bicep', 'utf8').matchAll(/^param (\w+) \w+( = )?/gm)];
  const names = declared.map(([, name]) => name);
  expect(Object.keys(parameters).filter((name) => !names.includes(name))).toEqual([]);
  const required = declared.filter(([, , fallback]) => fallback === undefined).map(([, name]) => name ?? '');
  expect(required.filter((name) => !(name in parameters))).toEqual([]);
});

test('azd deploys what is built, to the app, and then creates the subscriptions', () => {
  const service = /^services:\n {2}(\w+):/m.exec(azureYaml)?.[1];
  expect(oneOf('public', 'Microsoft.Web/sites').tags?.['azd-service-name']).toBe(service);
  expect(azureYaml).toMatch(/path: infra\n {2}module: main/);
  // azd runs these two scripts of package.json and uploads dist; nothing is built in Azure.
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts).toMatchObject({
    build: expect.any(String) as string,
    package: expect.any(String) as string,
  });
  expect(azureYaml).toContain('remoteBuild: false');
  expect(readFileSync('.funcignore', 'utf8')).toContain('!node_modules/**');
  const read = [...azureYaml.matchAll(/run: (?:node (\S+)|npm run --silent (\S+))/g)];
  expect(read).toHaveLength(4);
  for (const [, file, script = ''] of read)
    expect(file === undefined ? scripts[script] : existsSync(file)).toBeTruthy();
});

test('every subscription names a function that listens to its kind of event', () => {
  const { created, deleted } = azureResources();
  for (const { container, function: name } of created) {
    expect(bindings[name]).toMatchObject({
      type: 'blobTrigger',
      source: 'EventGrid',
      path: `${container}/{name}`,
    });
  }
  for (const { function: name } of deleted)
    expect(bindings[name]).toMatchObject({ type: 'eventGridTrigger' });
  const hears = Object.entries(bindings).filter(([, { type }]) => /blob|eventGrid/.test(String(type)));
  const called = new Set([...created, ...deleted].map(({ function: name }) => name));
  expect([...called].toSorted()).toEqual(hears.map(([name]) => name).toSorted());
});

test('every queue has its function, with sessions where the queue has them; failures are read by hand', () => {
  const triggers = Object.values(bindings).filter(({ type }) => type === 'serviceBusTrigger');
  const heard = Object.fromEntries(
    triggers.map((binding) => [binding['queueName'], binding['isSessionsEnabled'] ?? false]),
  );
  const made = Object.fromEntries(
    Object.values(queues).map(({ name, requiresSession }) => [name, requiresSession]),
  );
  expect({ ...heard, failures: false }).toEqual(made);
});

test('what is created is what the one description says', () => {
  const needed = azureResources();
  for (const name of deployments) {
    const made = (type: string) => resourcesOf(name, type);
    expect(
      made('Microsoft.ServiceBus/namespaces/queues').map((one) => [lastName(one), one.properties]),
    ).toEqual(needed.queues.map(({ name: queue, properties }) => [queue, properties]));
    expect(made('Microsoft.Storage/storageAccounts/tableServices/tables').map(lastName)).toEqual(
      needed.tables,
    );
    expect(made('Microsoft.Storage/storageAccounts/blobServices/containers').map(lastName)).toEqual([
      ...needed.containers,
      'deployments',
      'event-dead-letters',
    ]);
  }
  const subscriptions = resourcesOf('events').map(
    (one) => [lastName(one), JSON.stringify(one.properties)] as const,
  );
  expect(subscriptions.map(([name]) => name)).toEqual([
    ...needed.created.map(({ container }) => `${container}-created`),
    ...needed.deleted.map(({ container }) => `${container}-deleted`),
  ]);
  for (const [index, { container, function: called }] of [...needed.created, ...needed.deleted].entries()) {
    expect(subscriptions[index]?.[1]).toContain(`/containers/${container}/`);
    expect(subscriptions[index]?.[1]).toContain(called);
  }
  for (const [, text] of subscriptions.slice(0, needed.created.length))
    expect(text).toContain(`"value":${needed.largestImageBytes}`);
});

test('nothing that failed is kept for more than a week', () => {
  for (const { properties } of azureResources().queues)
    expect(properties.defaultMessageTimeToLive).toBe('PT604800S');
  // Storage looks once a day, and a day passes until a new rule is at work.
  expect(oneOf('public', 'Microsoft.Storage/storageAccounts/managementPolicies').properties).toMatchObject({
    policy: {
      rules: [
        {
          definition: {
            filters: { prefixMatch: ['event-dead-letters/'] },
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 5 } } },
          },
        },
      ],
    },
  });
});

test('the official emulator gets the same queues', () => {
  const [namespace] = emulatorConfig().UserConfig.Namespaces;
  const described = namespace?.Queues.map(({ Name, Properties }) => [Name, Properties.RequiresSession]);
  expect(described).toEqual(
    Object.values(queues).map(({ name, requiresSession }) => [name, requiresSession]),
  );
});

test('what the functions are bound to is as it was when it was last looked at', async () => {
  const style = await resolveConfig('test/unit/azure/bindings.json');
  const text = await format(JSON.stringify(bindings, undefined, 2), { ...style, parser: 'json' });
  await expect(text).toMatchFileSnapshot('bindings.json');
});

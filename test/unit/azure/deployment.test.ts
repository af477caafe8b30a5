import { readFileSync } from 'node:fs';
import type { TokenCredential } from '@azure/identity';
import { format, resolveConfig } from 'prettier';
import { expect, test } from 'vitest';
import { azureResources } from '../../../scripts/azureResources.ts';
import { emulatorConfig } from '../../../scripts/emulatorConfig.ts';
import { connect } from '../../../shared/app/clients.ts';
import { queues } from '../../../shared/config/resources.ts';
import { readSettings } from '../../../shared/config/settings.ts';
import { objectIn, readBicepFiles } from './bicep.ts';
import { registeredBindings } from './bindings.ts';

const files = readBicepFiles();
const fileAt = (path: string) => {
  const file = files.find((candidate) => candidate.path === `infra/${path}`);
  if (file === undefined) throw new Error(`there is no ${path}`);
  return file;
};
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

/** The settings that the Bicep files give the app, with a sample in the place of what is known in Azure only. */
function appSettings(): Record<string, string> {
  const samples: Record<string, string> = {
    'storageUris.blobServiceUri': 'https://name.blob.core.windows.net',
    'storageUris.queueServiceUri': 'https://name.queue.core.windows.net',
    'storageUris.tableServiceUri': 'https://name.table.core.windows.net',
    serviceBusHostName: 'name.servicebus.windows.net',
    identityClientId: 'a-client',
    monitoringConnectionString: 'IngestionEndpoint=https://region.in.applicationinsights.azure.com/',
    faceEndpoint: 'https://name.cognitiveservices.azure.com/',
    faceQuota: '10/s',
    "empty(authClientId) ? 'keys' : 'entra'": 'keys',
  };
  const given = objectIn(fileAt('modules/functionApp.bicep'), 'settings', 'properties');
  return Object.fromEntries(
    Object.entries(given).map(([name, text]) => {
      const literal = /^'([^']*)'$/.exec(text)?.[1];
      const value = literal ?? samples[text];
      if (value === undefined) throw new Error(`${name}: no sample for ${text}`);
      return [name, value.replaceAll('${identityClientId}', 'a-client')];
    }),
  );
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

test('the quotas of the plans can be read', () => {
  const texts = fileAt('main.bicep').root.text.match(/'[\d/a-z,]+\/(?:s|month)'/g) ?? [];
  expect(texts).toHaveLength(2);
  for (const text of texts) {
    expect(readSettings({ ...appSettings(), FACE_QUOTA: text.replaceAll("'", '') }).FACE_QUOTA).not.toEqual(
      [],
    );
  }
});

test('the parameters file names parameters, and gives those that have to be given', () => {
  const { parameters } = JSON.parse(readFileSync('infra/main.parameters.json', 'utf8')) as {
    parameters: Record<string, { value: string }>;
  };
  const { params } = fileAt('main.bicep');
  const names = params.map(({ name }) => name);
  expect(Object.keys(parameters).filter((name) => !names.includes(name))).toEqual([]);
  const required = params.filter(({ isRequired }) => isRequired).map(({ name }) => name);
  expect(required.filter((name) => !(name in parameters))).toEqual([]);
});

test('azd deploys what is built, to the app, and then makes the subscriptions from the outputs', () => {
  const service = /^services:\n {2}(\w+):/m.exec(azureYaml)?.[1];
  expect(fileAt('modules/functionApp.bicep').root.text).toContain(`'azd-service-name': '${service}'`);
  expect(azureYaml).toMatch(/path: infra\n {2}module: main/);
  const { outputs } = fileAt('main.bicep');
  const read = [...azureYaml.matchAll(/"\$(?:env:)?(\w+)"/g)].map(([, name]) => name ?? '');
  expect(read.filter((name) => !outputs.includes(name))).toEqual([]);
  const passed = [...azureYaml.matchAll(/(\w+)="\$/g)].map(([, name]) => name);
  const asked = fileAt('events.bicep').params.map(({ name }) => name);
  expect(passed).toEqual([...asked, ...asked]);
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

test('the files read the one description, and name none of it again', () => {
  expect(fileAt('modules/storage.bicep').variables['needed']).toBe("loadJsonContent('../resources.json')");
  expect(fileAt('modules/serviceBus.bicep').variables['needed']).toBe("loadJsonContent('../resources.json')");
  expect(fileAt('events.bicep').variables['needed']).toBe("loadJsonContent('resources.json')");
  const text = fileAt('modules/serviceBus.bicep').root.text;
  expect(text).toMatch(
    /for queue in needed\.queues: \{\s+parent: namespace\s+name: queue\.name\s+properties: queue\.properties/,
  );
});

test('nothing that failed is kept for more than a week', () => {
  for (const { properties } of azureResources().queues)
    expect(properties.defaultMessageTimeToLive).toBe('PT604800S');
  const storage = fileAt('modules/storage.bicep').root.text;
  // Storage looks once a day, and a day passes until a new rule is at work.
  expect(storage).toMatch(
    /prefixMatch: \['event-dead-letters\/'\] \}\s+actions: \{ baseBlob: \{ delete: \{ daysAfterModificationGreaterThan: 5 \}/,
  );
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

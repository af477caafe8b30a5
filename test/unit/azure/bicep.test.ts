import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { expect, test } from 'vitest';
import { readBicep, readBicepFiles } from './bicep.ts';

const files = readBicepFiles();
const fileAt = (path: string) => {
  const file = files.find((candidate) => candidate.path === path);
  if (file === undefined) throw new Error(`there is no ${path}`);
  return file;
};
const each = files.map((file) => [file.path, file] as const);

/** Functions of Bicep that the files use. */
const functions = [
  ...[
    'cidrSubnet',
    'concat',
    'empty',
    'environment',
    'guid',
    'last',
    'loadJsonContent',
    'split',
    'subscription',
  ],
  ...['subscriptionResourceId', 'tenant', 'toLower', 'union', 'uniqueString'],
];
const decorators = ['allowed', 'description', 'maxLength', 'maxValue', 'metadata', 'minLength', 'minValue'];

/** Newer ones may be taken once they have been looked at: what they change, and that the region has them. */
const knownVersions: Record<string, string> = {
  'Microsoft.Authorization/roleAssignments': '2022-04-01',
  'Microsoft.CognitiveServices/accounts': '2024-10-01',
  'Microsoft.EventGrid/systemTopics': '2025-02-15',
  'Microsoft.Insights/actionGroups': '2023-01-01',
  'Microsoft.Insights/components': '2020-02-02',
  'Microsoft.Insights/metricAlerts': '2018-03-01',
  'Microsoft.Insights/scheduledQueryRules': '2023-12-01',
  'Microsoft.ManagedIdentity/userAssignedIdentities': '2023-01-31',
  'Microsoft.Network/privateDnsZones': '2020-06-01',
  'Microsoft.Network/privateEndpoints': '2024-05-01',
  'Microsoft.Network/virtualNetworks': '2024-05-01',
  'Microsoft.OperationalInsights/workspaces': '2023-09-01',
  'Microsoft.Resources/resourceGroups': '2024-03-01',
  'Microsoft.ServiceBus/namespaces': '2024-01-01',
  'Microsoft.Storage/storageAccounts': '2024-01-01',
  'Microsoft.Web/serverfarms': '2024-04-01',
  'Microsoft.Web/sites': '2024-04-01',
};

/** Built-in roles by the name under which a file holds their ID. */
const knownRoles: Record<string, string> = {
  cognitiveServicesUser: 'a97b65f3-24c7-4388-baec-2e87135dc908',
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  serviceBusDataOwner: '090c5cfd-751d-490a-894a-3ce6f1109419',
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
};

test('a file that is not Bicep is found', () => {
  expect(readBicep('broken', "param a string\nresource b 'X@1' = {\n  name: = 'x'\n}\n").errors).not.toEqual(
    [],
  );
});

test.each(each)('%s is Bicep, and declares what it uses and uses what it declares', (_path, file) => {
  expect(file.errors).toEqual([]);
  const names = [...file.params.map(({ name }) => name), ...file.declared];
  const known = new Set([...names, ...functions, ...decorators]);
  expect([...file.used].filter((name) => !known.has(name))).toEqual([]);
  const values = [...file.params.map(({ name }) => name), ...Object.keys(file.variables)];
  expect(values.filter((name) => !file.used.has(name))).toEqual([]);
});

test.each(each)('%s passes to its modules what they ask for, and reads what they give', (path, file) => {
  for (const module of file.modules) {
    const target = fileAt(join(dirname(path), module.path));
    const params = target.params.map(({ name }) => name);
    expect(
      module.params.filter((name) => !params.includes(name)),
      module.name,
    ).toEqual([]);
    const required = target.params.filter(({ isRequired }) => isRequired).map(({ name }) => name);
    expect(
      required.filter((name) => !module.params.includes(name)),
      module.name,
    ).toEqual([]);
    const read = file.outputsUsed.filter((used) => used.module === module.name).map(({ output }) => output);
    expect(
      read.filter((name) => !target.outputs.includes(name)),
      module.name,
    ).toEqual([]);
  }
});

test('every module is used', () => {
  const used = files.flatMap((file) => file.modules.map(({ path }) => join(dirname(file.path), path)));
  const modules = files.map(({ path }) => path).filter((path) => path.includes('/modules/'));
  expect(modules.filter((path) => !used.includes(path))).toEqual([]);
});

test('every version of a resource type is known, none is a preview', () => {
  for (const { path, resources } of files) {
    for (const { type, version } of resources) {
      const [provider, kind] = type.split('/');
      expect(`${path} ${type} ${version}`).toBe(`${path} ${type} ${knownVersions[`${provider}/${kind}`]}`);
    }
  }
});

test('every role is a known one under its own name, and is assigned', () => {
  const guid = /^'([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})'$/;
  const roles = files.flatMap(({ path, variables }) =>
    Object.entries(variables).flatMap(([name, text]) => {
      const id = guid.exec(text)?.[1];
      return id === undefined ? [] : [{ path, name, id }];
    }),
  );
  for (const { path, name, id } of roles)
    expect({ path, name, id }).toEqual({ path, name, id: knownRoles[name] });
  expect([...new Set(roles.map(({ name }) => name))].toSorted()).toEqual(Object.keys(knownRoles));
  // An ID anywhere else would escape the table.
  for (const { path, root } of files) {
    const ids = root.text.match(/[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g) ?? [];
    expect(ids, path).toHaveLength(roles.filter((role) => role.path === path).length);
  }
});

test('nothing that takes a key or a password is left open', () => {
  const text = (path: string) => readFileSync(join('infra/modules', path), 'utf8');
  expect(text('storage.bicep')).toMatch(/allowSharedKeyAccess: false/);
  expect(text('storage.bicep')).toMatch(/allowBlobPublicAccess: false/);
  expect(text('serviceBus.bicep')).toMatch(/disableLocalAuth: true/);
  expect(text('face.bicep')).toMatch(/disableLocalAuth: true/);
  expect(text('monitoring.bicep')).toMatch(/DisableLocalAuth: true/);
  expect(text('functionApp.bicep')).toMatch(/properties: \{ allow: false \}/);
  // The one key is that of the blob webhook, which Event Grid has to bring.
  const listing = files.filter(({ root }) => /\blist[A-Z]\w*\(/.test(root.text)).map(({ path }) => path);
  expect(listing).toEqual(['infra/events.bicep']);
});

test('a private network closes every service, and lets Event Grid in', () => {
  for (const module of ['storage', 'serviceBus', 'face']) {
    expect(fileAt(`infra/modules/${module}.bicep`).root.text).toMatch(
      /publicNetworkAccess: privateNetwork \? 'Disabled' : 'Enabled'/,
    );
  }
  const app = fileAt('infra/modules/functionApp.bicep').root.text;
  expect(app).toMatch(/ipSecurityRestrictionsDefaultAction: privateNetwork \? 'Deny' : 'Allow'/);
  expect(app).toMatch(/tag: 'ServiceTag', ipAddress: 'AzureEventGrid'/);
  expect(fileAt('infra/modules/serviceBus.bicep').root.text).toMatch(/privateNetwork \? \{ name: 'Premium'/);
});

test('what may be private has its endpoint: every part that the app calls', () => {
  const { endpoints = '' } = fileAt('infra/modules/privateEndpoints.bicep').variables;
  const parts = [...endpoints.matchAll(/part: '(\w+)'/g)].map(([, part]) => part);
  expect(parts).toEqual(['blob', 'queue', 'table', 'namespace', 'account', 'sites']);
});

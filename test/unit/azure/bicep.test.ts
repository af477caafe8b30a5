import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deployments, lastName, oneOf, readSnapshot, resourcesOf } from './snapshots.ts';

/** A newer version may be taken once it is known what it changes, and that the regions have it. */
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

/** The built-in roles that are assigned. */
const roles = {
  CognitiveServicesUser: 'a97b65f3-24c7-4388-baec-2e87135dc908',
  MonitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb',
  ServiceBusDataOwner: '090c5cfd-751d-490a-894a-3ce6f1109419',
  StorageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
  StorageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
  StorageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88',
  StorageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
};

const app = 'Microsoft.Web/sites';

test.each([...deployments, 'events'] as const)('%s: every type has its known version, no preview', (name) => {
  for (const { type, apiVersion } of resourcesOf(name)) {
    const [provider, kind] = type.split('/');
    expect(`${type} ${apiVersion}`).toBe(`${type} ${knownVersions[`${provider}/${kind}`]}`);
  }
});

test.each(deployments)('%s: the roles that the guide names are assigned, and no other', (name) => {
  const assigned = resourcesOf(name, 'Microsoft.Authorization/roleAssignments').map(({ properties }) =>
    String(properties?.['roleDefinitionId']).split('/').at(-1),
  );
  // Who deploys may upload to both containers, where `principalId` is given.
  const users = name === 'private' ? 2 : 0;
  expect(new Set(assigned)).toEqual(new Set(Object.values(roles)));
  expect(assigned).toHaveLength(Object.values(roles).length + users);
});

test.each(deployments)('%s: nothing that takes a key or a password is left open', (name) => {
  expect(oneOf(name, 'Microsoft.Storage/storageAccounts').properties).toMatchObject({
    allowSharedKeyAccess: false,
    allowBlobPublicAccess: false,
    minimumTlsVersion: 'TLS1_2',
  });
  for (const type of ['Microsoft.ServiceBus/namespaces', 'Microsoft.CognitiveServices/accounts'])
    for (const { properties } of resourcesOf(name, type)) expect(properties?.['disableLocalAuth']).toBe(true);
  expect(oneOf(name, 'Microsoft.Insights/components').properties).toMatchObject({ DisableLocalAuth: true });
  const policies = resourcesOf(name, `${app}/basicPublishingCredentialsPolicies`);
  expect(policies.map((policy) => [lastName(policy), policy.properties])).toEqual([
    ['ftp', { allow: false }],
    ['scm', { allow: false }],
  ]);
});

test('the only key that is read is that of the blob webhook, which Event Grid has to send', () => {
  const listing = globSync('infra/**/*.bicep').filter((path) =>
    /\blist[A-Z]\w*\(/.test(readFileSync(path, 'utf8')),
  );
  expect(listing.map((path) => path.replaceAll('\\', '/'))).toEqual(['infra/events.bicep']);
});

test.each(deployments)('%s: the network is closed where it is private', (name) => {
  const isPrivate = name.startsWith('private');
  const access = isPrivate ? 'Disabled' : 'Enabled';
  for (const type of [
    'Microsoft.Storage/storageAccounts',
    'Microsoft.ServiceBus/namespaces',
    'Microsoft.CognitiveServices/accounts',
  ])
    for (const { properties } of resourcesOf(name, type))
      expect(properties?.['publicNetworkAccess']).toBe(access);
  expect(oneOf(name, 'Microsoft.ServiceBus/namespaces').sku?.name).toBe(isPrivate ? 'Premium' : 'Standard');
  const { siteConfig } = oneOf(name, app).properties ?? {};
  expect(siteConfig).toMatchObject(
    isPrivate
      ? {
          ipSecurityRestrictionsDefaultAction: 'Deny',
          ipSecurityRestrictions: [{ tag: 'ServiceTag', ipAddress: 'AzureEventGrid', action: 'Allow' }],
        }
      : { ipSecurityRestrictionsDefaultAction: 'Allow', ipSecurityRestrictions: [] },
  );
  const endpoints = resourcesOf(name, 'Microsoft.Network/privateEndpoints');
  expect(endpoints.map((endpoint) => endpoint.name.split('-').at(-1))).toEqual(
    isPrivate ? ['blob', 'queue', 'table', 'namespace', 'account', 'sites'] : [],
  );
});

test.each(deployments)('%s: plan and storage are spread over the zones where that was chosen', (name) => {
  const isSpread = name.endsWith('zones');
  expect(oneOf(name, 'Microsoft.Web/serverfarms').properties).toMatchObject({ zoneRedundant: isSpread });
  expect(oneOf(name, 'Microsoft.Storage/storageAccounts').sku?.name).toBe(
    isSpread ? 'Standard_ZRS' : 'Standard_LRS',
  );
});

test('callers sign in with Entra where an app registration is named; health and webhooks stay open', () => {
  expect(resourcesOf('public', `${app}/config`).map(lastName)).toEqual(['appsettings']);
  expect(oneOf('zones', `${app}/config`, 'authsettingsV2').properties).toMatchObject({
    globalValidation: {
      unauthenticatedClientAction: 'Return401',
      excludedPaths: expect.arrayContaining([
        '/runtime/webhooks/blobs',
        '/runtime/webhooks/EventGrid',
        '/api/health',
      ]) as string[],
    },
  });
});

test('parameters reach what they are for', () => {
  expect(oneOf('public', app).properties).toMatchObject({
    functionAppConfig: { scaleAndConcurrency: { maximumInstanceCount: 40, alwaysReady: [] } },
    siteConfig: { cors: { allowedOrigins: [] } },
  });
  expect(oneOf('private-zones', app).properties).toMatchObject({
    functionAppConfig: { scaleAndConcurrency: { alwaysReady: [{ name: 'http', instanceCount: 1 }] } },
  });
  expect(oneOf('zones', app).properties).toMatchObject({
    siteConfig: { cors: { allowedOrigins: ['https://one.example', 'https://two.example'] } },
  });
  // Settings of the operator survive a deployment, and win.
  expect(oneOf('private-zones', `${app}/config`, 'appsettings').properties).toMatchObject({
    ENROLL_MIN_QUALITY: 'medium',
    FACE_QUOTA: '100/s',
    ROLLCALL_AUTH: 'entra',
  });
  // An existing Face resource is used and not created.
  expect(resourcesOf('private-zones', 'Microsoft.CognitiveServices/accounts')).toEqual([]);
  expect(readSnapshot('private-zones').outputs?.['FACE_ENDPOINT']).toContain('/face-of-another-app');
  expect(oneOf('public', 'Microsoft.CognitiveServices/accounts').sku).toEqual({ name: 'S0' });
});

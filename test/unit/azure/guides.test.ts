import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { failures } from '../../../shared/errors/errors.ts';
import { metricsTable } from '../../../shared/telemetry/metrics.ts';
import { resourcesOf } from './snapshots.ts';

const operations = readFileSync('docs/operations.md', 'utf8');
const deployment = readFileSync('docs/deployment.md', 'utf8');
const alerts = [
  ...resourcesOf('public', 'Microsoft.Insights/metricAlerts'),
  ...resourcesOf('public', 'Microsoft.Insights/scheduledQueryRules'),
];

test('the runbook says what to do about every alert and every error code', () => {
  const names = alerts.map(({ name }) => name);
  expect(names).toHaveLength(8);
  expect(names.filter((name) => !operations.includes(`| \`${name}\``))).toEqual([]);
  const codes = operations.slice(operations.indexOf('## Error codes'));
  expect(Object.keys(failures).filter((code) => !codes.includes(`\`${code}\``))).toEqual([]);
});

test('the alerts ask for metrics that there are', () => {
  const asked = [...JSON.stringify(alerts).matchAll(/'(rollcall\.[\w.]+)'/g)].map(([, name]) => name ?? '');
  const attributes = ['rollcall.outcome', 'rollcall.window', 'rollcall.state'];
  const metrics = asked.filter((name) => !attributes.includes(name));
  expect(metrics.length).toBeGreaterThan(4);
  expect(metrics.filter((name) => !(name in metricsTable))).toEqual([]);
});

test('every value of host.json that is chosen has its reason in the guide', () => {
  const { extensions } = JSON.parse(readFileSync('host.json', 'utf8')) as {
    extensions: Record<string, Record<string, unknown>>;
  };
  const chosen = ['blobs', 'serviceBus'].flatMap((extension) =>
    Object.keys(extensions[extension] ?? {}).map((name) => `\`${extension}.${name}\``),
  );
  expect(chosen.filter((name) => !deployment.includes(name))).toEqual([]);
});

test('nothing that the host writes by itself can name a picture', () => {
  const { logging } = JSON.parse(readFileSync('host.json', 'utf8')) as {
    logging: { logLevel: Record<string, string>; applicationInsights: Record<string, unknown> };
  };
  // Under these the real host logs blob paths, request URLs and trigger details.
  expect(logging.logLevel).toMatchObject({
    default: 'Warning',
    Function: 'Error',
    'Host.Results': 'None',
    Azure: 'None',
  });
  expect(logging.applicationInsights).toMatchObject({
    enableDependencyTracking: false,
    enableLiveMetrics: false,
    httpAutoCollectionOptions: { enableHttpTriggerExtendedInfoCollection: false },
  });
  expect(readFileSync('host.json', 'utf8')).not.toContain('telemetryMode');
});

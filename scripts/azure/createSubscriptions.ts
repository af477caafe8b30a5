import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBicep } from './bicepCompiler.ts';
import { AzureError, callAzure, readVariable } from './resourceManager.ts';

/*
 * Creates the Event Grid subscriptions after a deployment of the code. The key of the blob webhook exists only after the
 * host has started, so the host is woken until the key is there. Everything may be repeated.
 */

const keyWithinMs = Number(process.env['SUBSCRIPTIONS_KEY_SECONDS'] ?? 600) * 1_000;
const deployedWithinMs = 900_000;
const pauseMs = Number(process.env['SUBSCRIPTIONS_PAUSE_SECONDS'] ?? 5) * 1_000;
const again = 'Repeat it with: azd hooks run postdeploy';

const subscription = readVariable('AZURE_SUBSCRIPTION_ID');
const group = readVariable('AZURE_RESOURCE_GROUP');
const app = readVariable('FUNCTION_APP_NAME');
const groupPath = `/subscriptions/${subscription}/resourceGroups/${group}`;
const parameters = {
  functionAppName: { value: app },
  storageAccountName: { value: readVariable('STORAGE_ACCOUNT_NAME') },
  eventTopicName: { value: readVariable('EVENT_TOPIC_NAME') },
};

await untilKeyIsThere();
await deploy();
console.log('Event Grid tells the functions about images from now on.');

async function untilKeyIsThere(): Promise<void> {
  const path = `${groupPath}/providers/Microsoft.Web/sites/${app}/host/default/listkeys?api-version=2024-04-01`;
  for (const until = Date.now() + keyWithinMs; ; await sleep(pauseMs)) {
    await wake();
    const { systemKeys = {} } = await callAzure<HostKeys>('POST', path).catch((error: unknown): HostKeys => {
      // The host is not started yet.
      if (error instanceof AzureError) return {};
      throw error;
    });
    if (systemKeys['blobs_extension'] !== undefined) return;
    if (Date.now() > until)
      throw new Error(
        `The host of ${app} did not start: GET /api/health and its log stream say why. ${again}`,
      );
  }
}

/** A request starts an instance; what it answers does not matter. */
async function wake(): Promise<void> {
  const address = `${readVariable('ROLLCALL_API')}/health`;
  await fetch(address, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
}

async function deploy(): Promise<void> {
  const bicep = findBicep();
  if (bicep === undefined) throw new Error('There is no Bicep compiler: azd provision fetches one. ' + again);
  const template: unknown = JSON.parse(
    execFileSync(bicep, ['build', 'infra/events.bicep', '--stdout'], { encoding: 'utf8' }),
  );
  const path = `${groupPath}/providers/Microsoft.Resources/deployments/rollcall-events?api-version=2021-04-01`;
  await callAzure('PUT', path, { properties: { mode: 'Incremental', template, parameters } });
  for (const until = Date.now() + deployedWithinMs; ; await sleep(pauseMs)) {
    const { properties } = await callAzure<Deployment>('GET', path);
    if (properties.provisioningState === 'Succeeded') return;
    if (['Failed', 'Canceled'].includes(properties.provisioningState))
      throw new Error(`The subscriptions were not created: ${JSON.stringify(properties.error)}. ${again}`);
    if (Date.now() > until) throw new Error(`The subscriptions were not created in time. ${again}`);
  }
}

type HostKeys = { systemKeys?: Record<string, string> };
type Deployment = { properties: { provisioningState: string; error?: unknown } };

import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { failures, isRejection } from '../shared/errors/errors.ts';
import { openApi } from '../shared/http/openapi.ts';
import { routes } from '../shared/http/routes.ts';
import { settingsTable } from '../shared/config/settings.ts';
import { metricsTable } from '../shared/telemetry/metrics.ts';
import { azureResources } from './azureResources.ts';

/** The guides that are written from the tables of the code. */

export async function settingsGuide(): Promise<string> {
  const rows = Object.entries(settingsTable).map(([name, { schema, meaning }]) => {
    const standard = schema.safeParse(undefined);
    const given = standard.success && standard.data !== undefined ? standardOf(name, standard.data) : '';
    return `| \`${name}\` | ${given} | ${meaning} |`;
  });
  return pretty(`# Settings

Settings are environment variables: application settings in Azure, \`Values\` of \`local.settings.json\` for
\`func start\`. The embedded stack sets the connections and the Face endpoint by itself. A setting that is unknown or
cannot be read stops the start with a sentence that says what was expected.

| setting | default | meaning |
| --- | --- | --- |
${rows.join('\n')}

## Connections

| setting | meaning |
| --- | --- |
| \`ROLLCALL_STORAGE\` | Connection string of the storage account; or, for an identity, \`ROLLCALL_STORAGE__blobServiceUri\`, \`ROLLCALL_STORAGE__queueServiceUri\` and \`ROLLCALL_STORAGE__tableServiceUri\` |
| \`ROLLCALL_SERVICEBUS\` | Connection string of the Service Bus namespace; or \`ROLLCALL_SERVICEBUS__fullyQualifiedNamespace\` for an identity |
| \`AzureWebJobsStorage\` | Where the Functions host keeps its own state |

## Time limits

Every call over the network has a limit, and is tried again so often and no more; between tries the client waits,
longer each time and never twice the same. What still fails is left to the message's next delivery.

| calls to | limit of a try | tries |
| --- | --- | --- |
| Face | \`FACE_TIMEOUT_SECONDS\` | 3 for what only reads; 1 for what changes something: the next delivery looks first what became of it |
| Table Storage | 5 s | 4 |
| Blob Storage | 5 s, with content or listings 15 s | 3 |
| Service Bus | 10 s | 5 |
| a picture by URL | 10 s | 1 |

A connection to Service Bus that looks open and is dead is found out by the client's heartbeat only, within two
minutes; the resync queues again what was lost with it.
`);
}

function standardOf(name: string, value: unknown): string {
  if (name === 'FACE_QUOTA') return '`10/s`';
  return `\`${String(value)}\``;
}

export async function errorsGuide(): Promise<string> {
  const rows = Object.entries(failures).map(([code, { status, retried, title, remedy }]) => {
    const kind = isRejection(code) ? 'A picture can be rejected for it. ' : '';
    const again = retried ? 'Tried again by the pipeline.' : 'Not tried again.';
    return `### ${code}\n\n${title} ${remedy}\n\nHTTP ${status}. ${kind}${again}`;
  });
  return pretty(`# Errors

Every failure has a code. Over HTTP it comes as problem details (RFC 9457, \`application/problem+json\`) with \`code\`;
on a picture as \`reason\` of a row of \`GET /groups/{group}/images\`. \`type\` points to \`GET /api/problems/{code}\`, which
says what stands here, and asks for a key or a role as every route but \`/health\` does.

${rows.join('\n\n')}
`);
}

/** The guide for operators as it stands, with the table of metrics written anew between its marks. */
export async function operationsGuide(): Promise<string> {
  const text = await readFile('docs/operations.md', 'utf8');
  const rows = Object.entries(metricsTable).map(
    ([name, { kind, unit, meaning }]) => `| \`${name}\` | ${kind}, ${unit} | ${meaning} |`,
  );
  const table = ['| metric | kind, unit | meaning |', '| --- | --- | --- |', ...rows].join('\n');
  return pretty(text.replace(/(\*\*Metrics\.\*\*\n\n)[^]*?(\n\n\*\*Logs)/, `$1${table}$2`));
}

/** The OpenAPI document, as `GET /api/openapi.json` answers it. */
export async function apiDocument(): Promise<string> {
  return formatted(JSON.stringify(openApi(routes)), 'docs/openapi.json');
}

/** The one description of queues, containers and tables, as the Bicep files read it. */
export async function bicepResources(): Promise<string> {
  return formatted(JSON.stringify(azureResources()), 'infra/resources.json');
}

async function formatted(text: string, path: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

async function pretty(markdown: string): Promise<string> {
  const config = await resolveConfig('docs/settings.md');
  return format(markdown, { ...config, parser: 'markdown' });
}

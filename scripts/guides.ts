import { readFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { settingsTable } from '../shared/config/settings.ts';
import { failures, isRejection, type FailureCode } from '../shared/errors/errors.ts';
import { openApi } from '../shared/http/openapi/document.ts';
import { routes } from '../shared/http/routes.ts';
import { metricsTable } from '../shared/telemetry/metrics.ts';
import { azureResources } from './azureResources.ts';

/* The guides and documents that are generated from the tables of the code. */

export async function settingsGuide(): Promise<string> {
  const settings: [string, { schema: unknown; meaning: string; more?: string }][] =
    Object.entries(settingsTable);
  const rows = settings.map(([name, { meaning }]) => [`\`${name}\``, describeDefault(name), meaning]);
  const notes = settings.flatMap(([name, { more }]) =>
    more !== undefined ? [`- \`${name}\`: ${more}`] : [],
  );
  return rewriteGuide('settings', {
    settings: `${toTable(['setting', 'default', 'meaning'], rows)}\n\n${notes.join('\n')}`,
  });
}

function describeDefault(name: string): string {
  if (name === 'FACE_QUOTA') return '`10/s`';
  const parsed = settingsTable[name as keyof typeof settingsTable].schema.safeParse(undefined);
  return parsed.success && parsed.data !== undefined ? `\`${String(parsed.data)}\`` : '';
}

export async function errorsGuide(): Promise<string> {
  const sections = (Object.keys(failures) as FailureCode[]).map((code) => {
    const { status, retried, title, remedy } = failures[code];
    const traits = [
      `HTTP ${status}.`,
      ...(isRejection(code) ? ['An image can be rejected for it.'] : []),
      retried ? 'The pipeline retries.' : 'Not retried.',
    ];
    return `### ${code}\n\n${title} ${remedy}\n\n${traits.join(' ')}`;
  });
  return rewriteGuide('errors', { codes: sections.join('\n\n') });
}

export async function operationsGuide(): Promise<string> {
  const metrics = Object.entries(metricsTable).map(([name, { kind, unit, meaning }]) => [
    `\`${name}\``,
    `${kind}, ${unit}`,
    meaning,
  ]);
  const codes = Object.entries(failures).map(([code, { operator }]) => [`\`${code}\``, operator]);
  return rewriteGuide('operations', {
    metrics: toTable(['metric', 'kind, unit', 'meaning'], metrics),
    codes: toTable(['code', 'what an operator does'], codes),
  });
}

/** The OpenAPI document, as `GET /api/openapi.json` answers it. */
export async function apiDocument(): Promise<string> {
  return formatAs('docs/openapi.json', JSON.stringify(openApi(routes)));
}

/** The queues, containers and tables, as the Bicep files read them. */
export async function bicepResources(): Promise<string> {
  return formatAs('infra/resources.json', JSON.stringify(azureResources()));
}

function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The guide as it stands, with each generated part written anew between its marks. */
async function rewriteGuide(name: string, parts: Record<string, string>): Promise<string> {
  const path = `docs/${name}.md`;
  let text = await readFile(path, 'utf8');
  for (const [part, content] of Object.entries(parts)) {
    const pattern = new RegExp(`(<!-- generated: ${part} -->)[^]*?(<!-- end -->)`);
    if (!pattern.test(text)) throw new Error(`${path} has no marks around its generated part ${part}.`);
    text = text.replace(pattern, (_all, begin: string, end: string) => `${begin}\n\n${content}\n\n${end}`);
  }
  return formatAs(path, text);
}

async function formatAs(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

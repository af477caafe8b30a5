import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Address of Azure Resource Manager; another one for a sovereign cloud. */
const endpoint = process.env['AZURE_RESOURCE_MANAGER_ENDPOINT'] ?? 'https://management.azure.com';
const callMs = 30_000;

/** An answer of Azure Resource Manager that is no success. The message is Azure's own. */
export class AzureError extends Error {
  override readonly name = 'AzureError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Sends one call to Azure Resource Manager with the sign-in of azd.
 * @throws AzureError when Azure refuses the call
 */
export async function callAzure<Answer>(
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(new URL(path, endpoint), {
    method,
    headers: { authorization: `Bearer ${await signIn()}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(callMs),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok)
    throw new AzureError(response.status, readMessage(text) ?? `Azure answered ${response.status}.`);
  return (text === '' ? {} : JSON.parse(text)) as Answer;
}

function readMessage(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: string; message?: string } };
    return error === undefined ? undefined : `${error.code}: ${error.message}`;
  } catch {
    return undefined;
  }
}

let token: { value: string; until: number } | undefined;

/** A token of the account that is signed in to azd; it is kept until shortly before it expires. */
async function signIn(): Promise<string> {
  if (token !== undefined && Date.now() < token.until - 60_000) return token.value;
  const { stdout } = await run('azd', [
    'auth',
    'token',
    '--scope',
    `${endpoint}/.default`,
    '--output',
    'json',
  ]);
  const { token: value, expiresOn } = JSON.parse(stdout) as { token: string; expiresOn: string };
  token = { value, until: Date.parse(expiresOn) };
  return value;
}

/** The value of a variable that azd sets for its hooks. */
export function readVariable(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: azd sets it for its hooks`);
  return value;
}

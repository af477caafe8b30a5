import { existsSync } from 'node:fs';
import { UsageError } from '../exit.ts';
import { readDeployments, type Deployment } from './deployments.ts';
import { readEndpoints } from './runningStack.ts';

/** The options of a command that say which Rollcall is meant. */
export type WhereOptions = { data?: string; url?: string; key?: string; scope?: string; at?: string };

/** The Rollcall that is meant. `dataDir`: it is a local stack, found by this folder. */
export type Target = Deployment & { name: string; dataDir?: string };

export const defaultDataDir = '.rollcall';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Finds what is meant: an option first, then `ROLLCALL_URL`, then a local stack in this folder, then the deployment
 * that was logged in last.
 * @throws Error that says what to do, UsageError
 */
export async function findTarget(options: WhereOptions, env: Env = process.env): Promise<Target> {
  const { data, url, at } = options;
  if ([data, url, at].filter((option) => option !== undefined).length > 1)
    throw new UsageError('use one of --data, --url and --at: each says which Rollcall is meant');
  if (data !== undefined) return toLocalTarget(data);
  if (at !== undefined) return loadDeployment(at, env);
  const address = url ?? env['ROLLCALL_URL'];
  if (address !== undefined) {
    const key = options.key ?? env['ROLLCALL_KEY'];
    const scope = options.scope ?? env['ROLLCALL_SCOPE'];
    return {
      name: address,
      url: parseUrl(address),
      ...(key !== undefined && scope === undefined && { key }),
      ...(scope !== undefined && { scope }),
    };
  }
  const { last } = existsSync(defaultDataDir) ? {} : await readDeployments(env);
  return last === undefined ? toLocalTarget(defaultDataDir) : loadDeployment(last, env);
}

async function toLocalTarget(dataDir: string): Promise<Target> {
  const { http, httpKey } = await readEndpoints(dataDir);
  return {
    name: `the stack on ${dataDir}`,
    url: http,
    dataDir,
    ...(httpKey !== undefined && { key: httpKey }),
  };
}

async function loadDeployment(name: string, env: Env): Promise<Target> {
  const { deployments } = await readDeployments(env);
  const deployment = Object.hasOwn(deployments, name) ? deployments[name] : undefined;
  if (deployment !== undefined) return { name, ...deployment };
  const known = Object.keys(deployments);
  const hint = known.length === 0 ? 'none is remembered yet' : `remembered are ${known.join(', ')}`;
  throw new UsageError(
    `no deployment is called ${name} (${hint}): rollcall login ${name} --url URL remembers it`,
  );
}

/**
 * The address of a deployment without `/api` and a slash at its end.
 * @throws UsageError when it is none, or when a key would go over the network as plain text
 */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)))
    throw new UsageError(`an address begins with https:// (http:// for this machine only), not "${text}"`);
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw new UsageError('an address holds no key, name or password: rollcall login asks for the key');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '').replace(/\/api$/, '');
}

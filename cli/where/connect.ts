import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient, type ApiClient } from '../apiClient.ts';
import { ConnectionError } from './connectionError.ts';
import { whyNoneAnswers } from './runningStack.ts';
import { proveBySignIn, type Prove } from './signIn.ts';
import type { Target } from './target.ts';

/** A Rollcall that commands talk to. */
export type Connection = { call: ApiClient; target: Target };

/** A part of a local stack that ended runs again within two seconds; the pause doubles with each try. */
const tries = { local: { most: 4, pauseMs: 250 }, remote: { most: 6, pauseMs: 500 } };
const longestPauseMs = 15_000;
const retriedStatuses = [429, 502, 503, 504];

export function connect(target: Target): Connection {
  const prove: Prove =
    target.scope !== undefined
      ? proveBySignIn(target.scope)
      : async () => (target.key === undefined ? {} : { 'x-functions-key': target.key });
  return { target, call: apiClient({ http: target.url, fetch: createFetch(target, prove) }) };
}

/**
 * Sends requests, again where nothing answers or the answer is that a later try may succeed.
 * @throws ConnectionError that says why it does not answer or lets nobody in, and what to do
 */
function createFetch(target: Target, prove: Prove): typeof fetch {
  const { most, pauseMs } = tries[target.dataDir === undefined ? 'remote' : 'local'];
  return async (url, init = {}) => {
    for (let count = 1; ; count += 1) {
      // Neither key nor token follows a redirection to another host.
      const headers = { ...(init.headers as Record<string, string>), ...(await prove()) };
      const response = await fetch(url, { ...init, headers, redirect: 'error' }).catch(
        async (error: unknown) => {
          const isRepeatable =
            init.method !== 'POST' && (error as Error).name === 'TypeError' && !isOfFile(error);
          if (count < most && isRepeatable && (await mayComeBack(target))) return undefined;
          throw await explain(target, error);
        },
      );
      if (response !== undefined && (count >= most || !retriedStatuses.includes(response.status))) {
        if (response.status === 401) throw new ConnectionError(whyRefused(target, response));
        return response;
      }
      await response?.body?.cancel();
      const asked = Number(response?.headers.get('retry-after') ?? 0) * 1_000;
      await sleep(Math.min(Math.max(asked, pauseMs * 2 ** (count - 1)), longestPauseMs));
    }
  };
}

/** Whether a request failed for the file that is its body. */
function isOfFile(error: unknown): boolean {
  return ((error as Error).cause as Error | undefined)?.name === 'NotReadableError';
}

/** A local stack that has stopped does not start by itself. */
async function mayComeBack({ dataDir }: Target): Promise<boolean> {
  return dataDir === undefined || (await whyNoneAnswers(dataDir)) === undefined;
}

async function explain(target: Target, error: unknown): Promise<Error> {
  const { dataDir, url } = target;
  if (isOfFile(error))
    return new Error('the file cannot be read, or changed while it was sent', { cause: error });
  if ((error as Error).name !== 'TypeError') return error as Error;
  const reason = dataDir === undefined ? undefined : await whyNoneAnswers(dataDir);
  if (reason !== undefined) return new ConnectionError(reason, { cause: error });
  const { message, code = message } = ((error as Error).cause ?? error) as Error & { code?: string };
  return new ConnectionError(
    dataDir === undefined
      ? `${url} does not answer (${code}): see whether the address is right and the network is there`
      : `the stack runs, but the HTTP API at ${url} does not answer (${code}): a part that ended is started again, so try again in a moment; the stack says what happened where it runs`,
    { cause: error },
  );
}

function whyRefused({ name, url, key, scope, dataDir }: Target, response: Response): string {
  if (dataDir !== undefined)
    return `the HTTP API at ${url} does not take the key that ${join(dataDir, 'endpoints.json')} gives: stop the stack and start it again, which writes the key anew`;
  if (scope !== undefined)
    return `${name} does not take the sign-in for ${scope}: see whether the scope is that of the deployment's app registration`;
  if (/^bearer/i.test(response.headers.get('www-authenticate') ?? ''))
    return `${name} asks for a sign-in with Microsoft Entra: az login, then rollcall login NAME --url ${url} --scope api://CLIENT_ID/.default with the AUTH_CLIENT_ID of the deployment`;
  return key === undefined
    ? `${name} asks for a key: rollcall login NAME --url ${url} asks for it and remembers it`
    : `${name} does not take this key: rollcall login NAME --url ${url} takes another`;
}

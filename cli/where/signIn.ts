import { ConnectionError } from './connectionError.ts';

/** Gives the headers by which a request proves who sends it. */
export type Prove = () => Promise<Record<string, string>>;

const renewBeforeMs = 60_000;

/** Signs in as `az` did, or as DefaultAzureCredential finds; the library is loaded when the first token is needed. */
export function proveBySignIn(scope: string): Prove {
  let token: Promise<{ token: string; expiresOnTimestamp: number }> | undefined;
  let renewAt = 0;
  return async () => {
    if (token === undefined || Date.now() > renewAt) {
      token = fetchToken(scope);
      renewAt = Infinity;
      renewAt = (await token).expiresOnTimestamp - renewBeforeMs;
    }
    return { authorization: `Bearer ${(await token).token}` };
  };
}

async function fetchToken(scope: string): Promise<{ token: string; expiresOnTimestamp: number }> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  try {
    return await new DefaultAzureCredential().getToken(scope);
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    throw new ConnectionError(`nobody is signed in for ${scope}: run az login, then try again (${reason})`, {
      cause: error,
    });
  }
}

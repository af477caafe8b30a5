import type { TokenCredential } from '@azure/identity';

/**
 * The identity of the app, of which the library is loaded when a token is first asked for: it is large, and where
 * there are keys and connection strings, nobody asks.
 */
export function appIdentity(): TokenCredential {
  let identity: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      identity ??= import('@azure/identity').then(
        ({ DefaultAzureCredential }) => new DefaultAzureCredential(),
      );
      return (await identity).getToken(scopes, options);
    },
  };
}

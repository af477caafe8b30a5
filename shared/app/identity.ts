import type { TokenCredential } from '@azure/identity';

/**
 * The identity of the app. The large identity library is loaded when a token is first requested, because with keys and
 * connection strings no token is ever requested.
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

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

/**
 * Control characters, which Azure allows in no name of a blob, and the two characters that XML cannot hold. Azurite
 * takes them all, and then answers every listing of the container with 500, or lists another name.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const refusedInNames = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

const refusal = `<?xml version="1.0" encoding="utf-8"?><Error><Code>InvalidUri</Code><Message>The name of a blob must not contain control characters.</Message></Error>`;

/** Keeps names that cannot be listed out of a blob server. What has such a name already can be read and deleted. */
export function refuseUnlistableNames(server: Server): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'PUT' && refusedInNames.test(placeOf(request.url ?? '')?.blob ?? '')) {
      request.resume();
      response.writeHead(400, { 'content-type': 'application/xml', 'x-ms-error-code': 'InvalidUri' });
      response.end(refusal);
      return;
    }
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/** `/account/container/blob…` of a request's URL; Azurite refuses what cannot be decoded. */
export function placeOf(url: string): { container: string; blob: string } | undefined {
  try {
    const [, , container = '', ...rest] = decodeURIComponent(url.replace(/\?.*$/s, '')).split('/');
    return { container, blob: rest.join('/').replaceAll('\\', '/') };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

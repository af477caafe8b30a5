import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

/**
 * Control characters, which Azure refuses in the name of a blob, and the two characters that XML cannot hold. Azurite
 * accepts such a name, and then answers each listing of the container with 500, or lists another name.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const refusedInNames = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

const refusal = `<?xml version="1.0" encoding="utf-8"?><Error><Code>InvalidUri</Code><Message>The name of a blob must not contain control characters.</Message></Error>`;

/** Refuses to write a blob whose name cannot be listed. An existing blob of such a name can be read and deleted. */
export function refuseUnlistableNames(server: Server): void {
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'PUT' && refusedInNames.test(parsePlace(request.url ?? '')?.blob ?? '')) {
      request.resume();
      response.writeHead(400, { 'content-type': 'application/xml', 'x-ms-error-code': 'InvalidUri' });
      response.end(refusal);
      return;
    }
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/** Parses `/account/container/blob…` of a URL. Undefined for a URL that cannot be decoded, which Azurite refuses. */
export function parsePlace(url: string): { container: string; blob: string } | undefined {
  try {
    const [, , container = '', ...rest] = decodeURIComponent(url.replace(/\?.*$/s, '')).split('/');
    return { container, blob: rest.join('/').replaceAll('\\', '/') };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

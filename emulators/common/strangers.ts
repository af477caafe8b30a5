import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';

/** Host names of the machine itself, which are always allowed. */
const ownNames = ['127.0.0.1', 'localhost', '[::1]'];

/** Which requests a server refuses. `allowHosts`: host names that a request may use besides those of the machine. */
export type Strangers = {
  allowHosts?: readonly string[];
  /**
   * For a server that requires no key: origins whose pages may send requests; `*`: all origins. Requests from pages of
   * other sites are refused. Absent: no request is refused for the site of its page.
   */
  allowSites?: readonly string[];
};

/**
 * Refuses requests that use a foreign host name, before any other listener handles them: a web page can let its own
 * host name resolve to this machine and then read the answers of a local server (DNS rebinding). Ports are not
 * compared, because a load balancer or a proxy has another port. `refuseStrangers` has to be called before the server
 * listens on its port, and after all other listeners for requests are added.
 */
export function refuseStrangers(
  server: Pick<Server, 'listeners' | 'removeAllListeners' | 'on'>,
  { allowHosts = [], allowSites }: Strangers,
): void {
  const names = new Set([...ownNames, ...allowHosts.map((name) => name.toLowerCase())]);
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!names.has(nameIn(request.headers.host ?? ''))) {
      return refuse(response, 421, 'The server is not called by this host name: see --allow-host.');
    }
    if (allowSites !== undefined && isOfAnotherSite(request, names, allowSites)) {
      return refuse(response, 403, 'The request comes from a page of another site.');
    }
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/** The host name without the port, in lower case. */
function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, '');
}

function isOfAnotherSite(
  { headers }: IncomingMessage,
  names: ReadonlySet<string>,
  allowed: readonly string[],
): boolean {
  const { origin } = headers;
  if (allowed.includes('*') || (origin !== undefined && allowed.includes(origin))) return false;
  if (headers['sec-fetch-site'] === 'cross-site') return true;
  return origin !== undefined && !(URL.canParse(origin) && names.has(new URL(origin).hostname));
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  const body = JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail });
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

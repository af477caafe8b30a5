import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';

/** The names by which this machine calls itself. */
const ownNames = ['127.0.0.1', 'localhost', '[::1]'];

/** What a server on this machine refuses; `allowHosts` are further names by which it may be called. */
export type Strangers = {
  allowHosts?: readonly string[];
  /**
   * Where no key stands before what they could do, pages of other sites are refused too, except those of these origins;
   * `*`: of any. Absent: none is refused.
   */
  allowSites?: readonly string[];
};

/**
 * A web page can have a name of its own point at this machine, and then read what it asks a server here (DNS
 * rebinding). So a request that calls the server by a foreign name is refused before anything looks at it. Ports are not
 * compared: a load balancer or a proxy has another one. Before the server listens, and after all else listens to it.
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

/** The name without the port, in lower case. */
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

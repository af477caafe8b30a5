import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/**
 * Calls `hook` for each request before its response leaves. When the hook throws, the connection is cut and `onFailure`
 * is called: the client gets no response and takes the request as not acknowledged.
 */
export function beforeResponses(
  server: Server,
  hook: (request: IncomingMessage, response: ServerResponse, status: number) => void,
  onFailure: (error: unknown) => void,
): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const writeHead = response.writeHead.bind(response) as (...args: unknown[]) => ServerResponse;
    response.writeHead = (...args: unknown[]) => {
      try {
        hook(request, response, typeof args[0] === 'number' ? args[0] : response.statusCode);
      } catch (error) {
        response.socket?.destroy();
        onFailure(error);
      }
      return writeHead(...args);
    };
  });
}

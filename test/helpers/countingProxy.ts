import { Agent, createServer, request as send } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** A proxy before an HTTP service that counts the requests. */
export async function startCountingProxy() {
  const agent = new Agent({ keepAlive: true });
  let target = 0;
  let count = 0;
  const server = createServer((incoming, outgoing) => {
    count += 1;
    const forwarded = send(
      {
        agent,
        port: target,
        host: '127.0.0.1',
        method: incoming.method,
        path: incoming.url,
        headers: incoming.rawHeaders,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
      },
    );
    // What breaks, breaks: the caller is told by the end of the connection.
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    aimAt(port: number): void {
      target = port;
    },
    count: () => count,
    close(): void {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

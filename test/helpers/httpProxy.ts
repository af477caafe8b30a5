import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A proxy before an HTTP service, which adds up how long its calls take, from their first byte to their last, and can
 * answer them all with a status instead.
 */
export async function startHttpProxy() {
  const spent = { ms: 0, calls: 0 };
  let target = '';
  let instead: number | undefined;
  const server = createServer((incoming, outgoing) => {
    const begin = performance.now();
    const { method, headers, url = '' } = incoming;
    if (instead !== undefined) {
      incoming.resume();
      return void outgoing.writeHead(instead).end();
    }
    const onward = request(new URL(url, target), { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => incoming.socket.destroy());
    outgoing.on('finish', () => {
      spent.ms += performance.now() - begin;
      spent.calls += 1;
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    /** Where calls go, scheme and host. */
    aimAt(origin: string): void {
      target = origin;
    },
    /** Every call is answered so from now on; undefined: by the service again. */
    answerWith(status: number | undefined): void {
      instead = status;
    },
    spent: () => ({ ...spent }),
    close(): void {
      server.closeAllConnections();
      server.close();
    },
  };
}

import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What becomes of a call: it is lost on its way, its answer is lost, it lands late (the caller has given up), or it
 * is answered with a failure instead.
 */
export type Fault =
  | { kind: 'call lost' }
  | { kind: 'answer lost' }
  | { kind: 'late'; afterMs: number }
  | { kind: 'answered'; status: number; headers?: Record<string, string>; body?: unknown };

type Rule = { matches: (method: string, path: string) => boolean; faults: Fault[]; lasts?: boolean };

const seenAtMost = 1_000;

/** A proxy before the Face service that does to single calls what networks do: faults cannot be had otherwise. */
export async function startFaultyProxy() {
  const rules: Rule[] = [];
  const late: Promise<unknown>[] = [];
  const seen: IncomingHttpHeaders[] = [];
  let target = '';

  async function forward(request: IncomingMessage, body: Buffer): Promise<Response> {
    return fetch(new URL(request.url ?? '', target), {
      method: request.method ?? 'GET',
      headers: Object.fromEntries(
        Object.entries(request.headers)
          .filter(([name]) => !['host', 'connection', 'content-length', 'transfer-encoding'].includes(name))
          .map(([name, value]) => [name, String(value)]),
      ),
      ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
    });
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seen.push(request.headers);
    if (seen.length > seenAtMost) seen.shift();
    const body = await buffer(request);
    const rule = rules.find(
      ({ matches, faults }) => faults.length > 0 && matches(request.method ?? '', request.url ?? ''),
    );
    const fault = rule?.faults[0];
    if (rule?.lasts !== true) rule?.faults.shift();
    if (fault?.kind === 'call lost') return void request.socket.destroy();
    if (fault?.kind === 'answered') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers });
      return void response.end(
        JSON.stringify(fault.body ?? { error: { code: String(fault.status), message: 'x' } }),
      );
    }
    if (fault?.kind === 'late') {
      late.push(sleep(fault.afterMs).then(() => forward(request, body)));
      return;
    }
    const answer = await forward(request, body);
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (fault?.kind === 'answer lost') return void request.socket.destroy();
    const type = answer.headers.get('content-type');
    const retryAfter = answer.headers.get('retry-after');
    response.writeHead(answer.status, {
      ...(type === null ? {} : { 'content-type': type }),
      ...(retryAfter === null ? {} : { 'retry-after': retryAfter }),
      'content-length': bytes.length,
    });
    response.end(bytes);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Where calls go; the Face service is started after the proxy. */
    aimAt(endpoint: string): void {
      target = endpoint;
    },
    /** The next calls that match meet these faults, one each. */
    break(method: string, path: RegExp, ...faults: Fault[]): void {
      rules.push({ matches: (m, p) => m === method && path.test(p), faults });
    },
    /** Every call that matches meets this fault, until the function that is returned is called. */
    breakUntil(method: string, path: RegExp, fault: Fault): () => void {
      const rule = {
        matches: (m: string, p: string) => m === method && path.test(p),
        faults: [fault],
        lasts: true,
      };
      rules.push(rule);
      return () => void rules.splice(rules.indexOf(rule), 1);
    },
    /** The headers of the latest calls. */
    seen: (): readonly IncomingHttpHeaders[] => seen,
    /** Resolves when every late call has landed. */
    landed: () => Promise.all(late),
    async close(): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

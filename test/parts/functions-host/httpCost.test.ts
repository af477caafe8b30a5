import { connect, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import type { RegisteredFunction } from '../../../emulators/functions-host/core.ts';
import { createHttpServer, type HttpLimits } from '../../../emulators/functions-host/httpServer.ts';
import { listenToHttp } from '../../../emulators/functions-host/httpTrigger.ts';
import { eventually } from '../../helpers/eventually.ts';

/* What a caller can make the host hold: the key comes first, and every body, time and count has a bound. */

const megabyte = 1024 * 1024;
const limits: HttpLimits = {
  bodiesBytes: 8 * megabyte,
  headersMs: 60_000,
  requestMs: 60_000,
  checkedEveryMs: 20,
  connections: 100,
};
const keys = { functions: 'right', master: 'm', blobs_extension: 'b', eventgrid_extension: 'e' };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A host with one function, which answers when it is let. */
async function start(
  changed: Partial<HttpLimits> = {},
): Promise<{ server: FastifyInstance; calls: (() => void)[] }> {
  const server = createHttpServer({ ...limits, ...changed });
  const calls: (() => void)[] = [];
  const registered = {
    metadata: {
      name: 'take',
      bindings: {
        request: {
          type: 'httpTrigger',
          direction: 'in',
          route: 'take',
          methods: ['POST'],
          authLevel: 'function',
        },
      },
    },
  } as unknown as RegisteredFunction;
  listenToHttp(server, registered, {
    routePrefix: 'api',
    keys,
    onRequest: () => undefined,
    invoke: () =>
      new Promise((resolve) => {
        calls.push(() => resolve({ returnValue: { http: { statusCode: '200' } } }));
      }),
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  closing.push(() => server.close());
  return { server, calls };
}

type Caller = { socket: Socket; answer(): string; ended(): boolean };

function call(server: FastifyInstance, head: string): Caller {
  let text = '';
  let ended = false;
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('close', () => (ended = true));
  socket.write(`${head}\r\nhost: x\r\n`, 'latin1');
  closing.push(() => socket.destroy());
  return { socket, answer: () => text, ended: () => ended };
}

const answered = (caller: Caller, status: number) =>
  eventually(`the answer ${status}`, () => caller.answer().startsWith(`HTTP/1.1 ${status} `));

test.each([
  ['without a key', 'POST /api/take HTTP/1.1', 401],
  ['with a wrong key', 'POST /api/take?code=wrong HTTP/1.1', 401],
  ['to no route', 'POST /api/nothing HTTP/1.1', 404],
])('a call %s is answered before a byte of its body has come', async (_what, head, status) => {
  const { server } = await start();
  const caller = call(server, head);
  caller.socket.write(`content-length: ${64 * megabyte}\r\n\r\n`);
  await answered(caller, status);
});

test('bodies have a room together: a call beyond it is told to come again, and is taken when there is room', async () => {
  const { server, calls } = await start();
  const head = 'POST /api/take?code=right HTTP/1.1';
  const first = call(server, head);
  first.socket.write(`content-length: ${6 * megabyte}\r\n\r\n`);
  first.socket.write(Buffer.alloc(6 * megabyte));
  await eventually('the function is asked', () => calls.length === 1);
  const second = call(server, head);
  second.socket.write(`content-length: ${3 * megabyte}\r\n\r\n`);
  await answered(second, 429);
  expect(second.answer()).toMatch(/retry-after: 1\r\n/i);
  const small = call(server, head);
  small.socket.write('content-length: 3\r\n\r\nabc');
  await eventually('a small one has room', () => calls.length === 2);
  const unknown = call(server, head);
  unknown.socket.write('transfer-encoding: chunked\r\n\r\n');
  await answered(unknown, 429);
  for (const answer of calls) answer();
  await answered(first, 200);
  first.socket.destroy();
  await eventually('there is room again', async () => {
    const third = call(server, head);
    third.socket.write(`content-length: ${6 * megabyte}\r\n\r\n`);
    third.socket.write(Buffer.alloc(6 * megabyte));
    await eventually('an answer or a call', () => third.answer() !== '' || calls.length > 2);
    return calls.length > 2;
  });
});

test('a body that does not come to its end is given up', async () => {
  const { server } = await start({ requestMs: 300, headersMs: 200 });
  const caller = call(server, 'POST /api/take?code=right HTTP/1.1');
  caller.socket.write('content-length: 100\r\n\r\nabc');
  await eventually('the end of the connection', () => caller.ended());
  expect(caller.answer()).toMatch(/^HTTP\/1\.1 408 /);
});

test('connections have a bound', async () => {
  const { server } = await start({ connections: 3 });
  const callers = Array.from({ length: 10 }, () => call(server, 'GET / HTTP/1.1'));
  await eventually('the others are closed', () => callers.filter(({ ended }) => ended()).length === 7);
});

import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { portrait } from '../helpers/pictures.ts';
import { startTestStack, type TestStack } from '../helpers/stack.ts';

let stack: TestStack;
let face: Server;
const told: IncomingHttpHeaders[] = [];

beforeAll(async () => {
  // A Face that answers what nobody foresaw.
  face = createServer((request, response) => {
    told.push(request.headers);
    request.resume().on('end', () => void response.end('"secret of Ann"'));
  });
  await new Promise<void>((resolve) => void face.listen(0, '127.0.0.1', resolve));
  const { port } = face.address() as AddressInfo;
  stack = await startTestStack({ settings: { FACE_ENDPOINT: `http://127.0.0.1:${port}` } });
  await stack.api('groups/club', { method: 'PUT' });
});

afterAll(async () => {
  await stack.close();
  await new Promise((resolve) => void face.close(resolve));
});

test('a request is found by its name at Face, in the answer and in the log, which says no more', async () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const { status, headers, body } = await stack.api('groups/club/identify', {
    method: 'POST',
    headers: {
      'content-type': 'image/jpeg',
      'x-request-id': 'order-17',
      traceparent,
      tracestate: 'congo=t61rcWkgMzE',
    },
    body: new Uint8Array(portrait('audrey_crop.jpg')),
  });
  expect({ status, body }).toMatchObject({ status: 500, body: { code: 'internal' } });
  expect(headers.get('x-request-id')).toBe('order-17');
  expect(headers.get('traceparent')).toBe(traceparent);
  const detection = told.find((of) => of['client-request-id'] === 'order-17');
  expect(detection).toMatchObject({ traceparent, tracestate: 'congo=t61rcWkgMzE' });
  const line = await eventually('the failure is logged', async () =>
    stack.log().find((logged) => logged.includes('order-17')),
  );
  expect(line).toContain('internal: TypeError');
  expect(stack.log().join('\n')).not.toContain('Ann');
});

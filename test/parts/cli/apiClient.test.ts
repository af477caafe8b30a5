import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { apiClient, type ApiClient } from '../../../cli/apiClient.ts';

let server: Server;
let call: ApiClient;

beforeAll(async () => {
  server = createServer((request, response) => void echo(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  call = apiClient({ http: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});

afterAll(() => void server.close());

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, type: headers['content-type'], body: await text(request) }));
}

test('parameters stand in the path as one segment each, but for the rest of the path', async () => {
  const place = { group: 'g', person: 'a/b?ü', image: 'x/y z#.jpg' };
  expect(await call('DELETE groups/{group}/persons/{person}/images/{*image}', place)).toMatchObject({
    method: 'DELETE',
    url: '/api/groups/g/persons/a%2Fb%3F%C3%BC/images/x/y%20z%23.jpg',
  });
});

test('a query holds what was given', async () => {
  const query = { top: 5, state: undefined, person: 'a&b' };
  expect(await call('GET groups/{group}/images', { group: 'g', query })).toMatchObject({
    url: '/api/groups/g/images?top=5&person=a%26b',
  });
});

test('a body is JSON, or a picture with its type, or nothing', async () => {
  const identify = 'POST groups/{group}/identify';
  expect(await call(identify, { group: 'g', body: { image: 'enroll/g/a/1.jpg' } })).toMatchObject({
    type: 'application/json',
    body: '{"image":"enroll/g/a/1.jpg"}',
  });
  const picture = new Blob(['bytes'], { type: 'image/png' });
  expect(await call(identify, { group: 'g', body: picture })).toMatchObject({
    type: 'image/png',
    body: 'bytes',
  });
  const nothing = await call('POST failures/redrive', {});
  expect(nothing).toMatchObject({ method: 'POST', body: '' });
  expect(nothing).not.toHaveProperty('type');
});

/** Is compiled and never run: each line is an error of the compiler, or the check of types fails. */
export async function wrongCalls(): Promise<void> {
  // @ts-expect-error There is no such route.
  await call('GET groups/{group}/pictures', { group: 'g' });
  // @ts-expect-error The route has another method.
  await call('POST groups/{group}/images', { group: 'g' });
  // @ts-expect-error A parameter of the path is missing.
  await call('GET groups/{group}', {});
  // @ts-expect-error The query has no such parameter.
  await call('GET groups', { query: { limit: 5 } });
  // @ts-expect-error The parameter has another type.
  await call('GET groups', { query: { top: '5' } });
  // @ts-expect-error The query has a parameter that must be given.
  await call('POST groups/{group}/verify', { group: 'g', body: new Blob() });
  // @ts-expect-error The state has no such value.
  await call('GET groups/{group}/images', { group: 'g', query: { state: 'lost' } });
  // @ts-expect-error A picture must be given.
  await call('POST groups/{group}/identify', { group: 'g' });
  // @ts-expect-error The body has no such field.
  await call('PUT groups/{group}', { group: 'g', body: { quality: 'high' } });
  // @ts-expect-error The route takes no body.
  await call('POST groups/{group}/train', { group: 'g', body: {} });
  // @ts-expect-error The answer has no such field.
  (await call('POST failures/redrive', {})).sent.toFixed();
}

import { MockAgent } from 'undici';
import { expect, test } from 'vitest';
import { createFaceTransport } from '../../../shared/face/transport.ts';
import {
  answerHeaders,
  parseRequestContext,
  withContext,
  type RequestContext,
} from '../../../shared/telemetry/requestContext.ts';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const from = (headers: Record<string, string>) => parseRequestContext((name) => headers[name], 'ours');

test('a request keeps the names that its caller gave it', () => {
  const given = { 'x-request-id': 'abc-1', traceparent, tracestate: 'congo=t61rcWkgMzE' };
  expect(from(given)).toEqual({ requestId: 'abc-1', traceparent, tracestate: 'congo=t61rcWkgMzE' });
  expect(answerHeaders(from(given))).toEqual({ 'x-request-id': 'abc-1', traceparent });
});

test.each([
  'x',
  `${traceparent}\r\nx-evil: 1`,
  traceparent.toUpperCase(),
  traceparent.replace(/^00/, 'ff'),
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
])('a trace that is none is not passed on: %j', (given) => {
  expect(from({ traceparent: given, tracestate: 'a=1' })).toEqual({ requestId: 'ours' });
});

test.each(['a b', 'x'.repeat(129), 'a\nb', ''])('a name that cannot be is replaced by ours: %j', (given) => {
  expect(from({ 'x-request-id': given })).toEqual({ requestId: 'ours' });
});

/** What Face is told of the context in which it is called. */
async function toldToFace(context: RequestContext | undefined): Promise<Record<string, string>> {
  const agent = new MockAgent();
  agent.disableNetConnect();
  let told: Record<string, string> = {};
  agent
    .get('http://face.invalid')
    .intercept({ path: /.*/, method: 'GET' })
    .reply(200, ({ headers }) => {
      told = headers as Record<string, string>;
      return '{}';
    });
  const call = createFaceTransport({
    endpoint: 'http://face.invalid',
    credential: { key: 'x' },
    limiter: {
      acquire: async () => ({ answered: () => undefined }),
      refused: async () => undefined,
      exhausted: async () => undefined,
    } as unknown as Parameters<typeof createFaceTransport>[0]['limiter'],
    timeoutMs: 60_000,
    dispatcher: agent,
  });
  const ask = () => call({ priority: 'interactive', method: 'GET', path: '/x' });
  await (context === undefined ? ask() : withContext(context, ask));
  await agent.close();
  return told;
}

test('Face is told the names of the request, each of its own', async () => {
  const told = await Promise.all([
    toldToFace({ requestId: 'one', traceparent, tracestate: 'a=1' }),
    toldToFace({ requestId: 'two' }),
    toldToFace(undefined),
  ]);
  expect(told[0]).toMatchObject({ 'client-request-id': 'one', traceparent, tracestate: 'a=1' });
  expect(told[1]).toMatchObject({ 'client-request-id': 'two' });
  expect(told[1]).not.toHaveProperty('traceparent');
  expect(told[2]?.['client-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

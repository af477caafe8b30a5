import { MockAgent } from 'undici';
import { expect, test } from 'vitest';
import { codeOf } from '../../../shared/errors/errors.ts';
import { createFaceTransport } from '../../../shared/face/transport.ts';
import type { RateLimiter } from '../../../shared/quota/rateLimiter.ts';

/** Sends one call whose way to Face takes so long: in the limiter, and until there is a token. */
async function send(waitedMs: { limiter: number; token: number }, sendBefore: number | undefined) {
  const agent = new MockAgent();
  agent.disableNetConnect();
  let sent = 0;
  agent
    .get('http://face.invalid')
    .intercept({ path: /.*/, method: 'POST' })
    .reply(200, () => {
      sent += 1;
      return '{}';
    });
  let now = 1_000;
  const limiter: RateLimiter = {
    acquire: async () => {
      now += waitedMs.limiter;
      return { answered: () => undefined } as unknown as Awaited<ReturnType<RateLimiter['acquire']>>;
    },
    refused: async () => undefined,
    exhausted: async () => undefined,
  };
  const identity = {
    getToken: async () => {
      now += waitedMs.token;
      return { token: 'x', expiresOnTimestamp: Infinity };
    },
  };
  const transport = createFaceTransport({
    endpoint: 'http://face.invalid',
    credential: { identity },
    limiter,
    timeoutMs: 60_000,
    dispatcher: agent,
    now: () => now,
  });
  const limit = sendBefore === undefined ? {} : { sendBefore };
  const code = await transport({ priority: 'background', method: 'POST', path: '/x', ...limit }).then(
    () => undefined,
    codeOf,
  );
  await agent.close();
  return { sent, code };
}

test('a call that came too late is not sent, wherever it waited', async () => {
  expect(await send({ limiter: 3_000, token: 3_000 }, undefined)).toEqual({ sent: 1, code: undefined });
  expect(await send({ limiter: 3_000, token: 3_000 }, 7_000)).toEqual({ sent: 1, code: undefined });
  expect(await send({ limiter: 3_000, token: 3_000 }, 6_999)).toEqual({ sent: 0, code: 'busy' });
  expect(await send({ limiter: 10_000, token: 0 }, 6_999)).toEqual({ sent: 0, code: 'busy' });
});

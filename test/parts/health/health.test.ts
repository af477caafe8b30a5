import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Clients } from '../../../shared/app/clients.ts';
import { createHealth, healthQuestions, type Question } from '../../../shared/app/health.ts';

const ok: Question = async () => undefined;

test('whoever asks within a second gets the same answer; then every part is asked anew', async () => {
  let now = 0;
  let asked = 0;
  const answer = Promise.withResolvers<void>();
  const health = createHealth({ part: () => ((asked += 1), answer.promise) }, () => now);
  const together = [health(), health()];
  now += 4_000;
  together.push(health());
  answer.resolve();
  expect(await Promise.all(together)).toEqual(
    [1, 2, 3].map(() => ({ status: 'ok', parts: { part: { status: 'ok' } } })),
  );
  now += 999;
  await health();
  expect(asked).toBe(1);
  now += 1;
  await health();
  expect(asked).toBe(2);
});

describe('a part that does not answer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test.each([
    ['and heeds its signal', true],
    ['and does not', false],
  ])('%s is down after 5 s, and its question is aborted', async (_what, heeds) => {
    // Of Node itself, it does not follow the clock of the test.
    vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new DOMException('late', 'TimeoutError')), ms);
      return controller.signal;
    });
    let signal: AbortSignal | undefined;
    const stuck: Question = (given) => {
      signal = given;
      return new Promise((_resolve, reject) => {
        if (heeds) given.addEventListener('abort', () => reject(new Error('aborted')));
      });
    };
    const report = createHealth({ ok, stuck }, Date.now)();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await report).toMatchObject({
      status: 'down',
      parts: { ok: { status: 'ok' }, stuck: { status: 'down' } },
    });
    expect(signal?.aborted).toBe(true);
  });
});

describe('Face', () => {
  let server: Server;
  let status = 401;
  beforeEach(async () => {
    server = createServer((_request, response) => void response.writeHead(status).end());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => void server.close(resolve)));

  test.each([
    [401, 'ok'],
    [429, 'ok'],
    [500, 'down'],
    [503, 'down'],
  ])('that answers %i without a key is %s', async (answered, expected) => {
    status = answered;
    const { port } = server.address() as AddressInfo;
    const { face = ok } = healthQuestions({
      clients: {} as Clients,
      checkVersion: () => Promise.resolve(),
      face: `http://127.0.0.1:${port}`,
    });
    const { parts } = await createHealth({ face }, Date.now)();
    expect(parts['face']?.status).toBe(expected);
  });
});

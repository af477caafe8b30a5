import { setTimeout as sleep } from 'node:timers/promises';

/** A question that costs the pipeline a call is asked less often the longer its answer takes. */
const firstPauseMs = 100;
const longestPauseMs = 700;
const growth = 1.5;

/**
 * Waits until `probe` gives something; fails with what it last saw when that takes too long. The limit is not part of
 * what is tested: it only ends a test that would wait for ever.
 */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 120_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (
    let pauseMs = firstPauseMs;
    Date.now() < deadline;
    pauseMs = Math.min(pauseMs * growth, longestPauseMs)
  ) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(pauseMs);
  }
  throw new Error(`not within ${timeoutMs / 1_000} s: ${what}`, { cause: last });
}

/** Waits until the clock shows another second. */
export async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1_000);
  await eventually('the next second', () => Math.floor(Date.now() / 1_000) > second);
}

/** Waits until every part behind an app answers: on a busy machine one may take longer than its health check allows. */
export async function healthy(httpUrl: string): Promise<Response> {
  return eventually('every part answers', async () => {
    const response = await fetch(`${httpUrl}/api/health`);
    return response.status === 200 && response;
  });
}

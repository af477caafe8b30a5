import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `probe` gives something; fails with what it last saw when that takes too long. */
export async function eventually<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  timeoutMs = 60_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${timeoutMs / 1_000} s: ${what}`, { cause: last });
}

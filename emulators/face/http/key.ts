import { timingSafeEqual } from 'node:crypto';

/** Whether a caller has the key, in a time that tells nothing about it. */
export function isKey(given: unknown, key: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}

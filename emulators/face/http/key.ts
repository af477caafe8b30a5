import { timingSafeEqual } from 'node:crypto';

/** Compares in constant time, so that the duration says nothing about the key. */
export function isKey(given: unknown, key: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(key)];
  return a.length === b.length && timingSafeEqual(a, b);
}

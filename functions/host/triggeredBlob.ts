import type { InvocationContext } from '@azure/functions';

/** A blob as a trigger gives it: its path, container first, and the version whose bytes came with it. */
export type TriggeredBlob = { path: string; loaded?: { etag: string; bytes: Uint8Array } };

/**
 * The blob that fired a trigger. The path is taken from `blobTrigger`, not from `name`: the worker parses every string
 * as JSON, so that a `name` of digits would be a number.
 */
export function toTriggeredBlob(blob: unknown, { triggerMetadata }: InvocationContext): TriggeredBlob {
  const path = triggerMetadata?.['blobTrigger'];
  if (typeof path !== 'string') throw new Error('the trigger names no blob');
  const { eTag: etag } = (triggerMetadata?.['properties'] ?? {}) as { eTag?: unknown };
  if (!(blob instanceof Uint8Array) || typeof etag !== 'string') return { path };
  // The host may tell an ETag without the quotes that storage gives it.
  return { path, loaded: { etag: etag.startsWith('"') ? etag : `"${etag}"`, bytes: blob } };
}

import type { InvocationContext } from '@azure/functions';

/**
 * The whole path of the blob that a trigger speaks of, container first. Taken from `blobTrigger`: the worker parses
 * every string as JSON first, so that a `name` of digits would come as a number.
 */
export function pathOf(context: InvocationContext): string {
  const path = context.triggerMetadata?.['blobTrigger'];
  if (typeof path === 'string') return path;
  throw new Error('the trigger names no blob');
}

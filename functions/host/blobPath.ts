import type { InvocationContext } from '@azure/functions';

/**
 * Returns the path of the blob that fired a trigger, container first. The path is taken from `blobTrigger`, not from
 * `name`: the worker parses every string as JSON, so that a `name` of digits would be a number.
 */
export function pathOf(context: InvocationContext): string {
  const path = context.triggerMetadata?.['blobTrigger'];
  if (typeof path === 'string') return path;
  throw new Error('the trigger names no blob');
}

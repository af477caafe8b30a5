import { RollcallError } from './errors.ts';

/** Translates an outage of storage or Service Bus into a `RollcallError`; returns any other error unchanged. */
export function translatePlatformError(error: unknown): unknown {
  if (isServiceBusError(error))
    return error.retryable ? new RollcallError('messaging_unavailable', undefined, { cause: error }) : error;
  return isOutOfOrder(error) ? new RollcallError('storage_unavailable', undefined, { cause: error }) : error;
}

/** Whether storage gave no answer, answered with a server error, or asked to retry later. */
function isOutOfOrder(error: unknown): boolean {
  if (!isRestError(error)) return error instanceof Error && error.name === 'AbortError';
  const { statusCode } = error;
  return statusCode === undefined || statusCode >= 500 || statusCode === 408 || statusCode === 429;
}

// Errors are recognised by name, because importing their large libraries would slow a start that only registers
// functions.

function isServiceBusError(error: unknown): error is Error & { retryable: boolean } {
  return error instanceof Error && error.name === 'ServiceBusError' && 'retryable' in error;
}

function isRestError(error: unknown): error is Error & { statusCode?: number } {
  return error instanceof Error && error.name === 'RestError';
}

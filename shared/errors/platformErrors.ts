import { RollcallError } from './errors.ts';

/** Says in the words of Rollcall that storage or Service Bus is out of order; anything else passes unchanged. */
export function translatePlatformError(error: unknown): unknown {
  if (isServiceBusError(error))
    return error.retryable ? new RollcallError('messaging_unavailable', undefined, { cause: error }) : error;
  return isOutOfOrder(error) ? new RollcallError('storage_unavailable', undefined, { cause: error }) : error;
}

/** No answer, an answer of a failure of its own, or one that asks to come later. */
function isOutOfOrder(error: unknown): boolean {
  if (!isRestError(error)) return error instanceof Error && error.name === 'AbortError';
  const { statusCode } = error;
  return statusCode === undefined || statusCode >= 500 || statusCode === 408 || statusCode === 429;
}

// Told by their names: their libraries are large, and a start that only registers functions does not load them.

function isServiceBusError(error: unknown): error is Error & { retryable: boolean } {
  return error instanceof Error && error.name === 'ServiceBusError' && 'retryable' in error;
}

function isRestError(error: unknown): error is Error & { statusCode?: number } {
  return error instanceof Error && error.name === 'RestError';
}

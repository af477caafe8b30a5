import {
  isRejection,
  RollcallError,
  failures,
  type FailureCode,
  type Rejection,
  deferredForMs,
} from '../errors/errors.ts';
import { isFaceError, translateFaceError } from '../face/errors.ts';
import { translatePlatformError } from '../errors/platformErrors.ts';

/** What becomes of a picture when a step of its way failed. */
export type FailureAction =
  | { kind: 'reject'; reason: Rejection; detail: string }
  | { kind: 'defer'; afterMs: number }
  | { kind: 'retry'; afterMs: number; error: RollcallError }
  | { kind: 'fail'; reason: FailureCode; detail: string; error: RollcallError };

/** After so many failures in a row a picture is `failed`; the pauses add up to about two minutes. */
const attemptsAtMost = 10;
/** An outage is no picture's fault: it may last for about half an hour. */
const attemptsInOutage = 100;
/** Short enough that work resumes within half a minute after an outage; the rate limiter keeps the rate. */
const longestPauseMs = 20_000;
/** A volume that is used up may be there sooner than Face says: the plan may be changed. */
const longestParkMs = 3_600_000;

/**
 * The picture's fault: rejected. A turn at the rate limiter that is far away, or a monthly volume that is used up:
 * come back then, which counts as no failure. Anything else: tried again with growing pauses, then failed.
 */
export function classifyFailure(error: unknown, attempts: number): FailureAction {
  const deferredMs = deferredForMs(error);
  if (deferredMs !== undefined) return { kind: 'defer', afterMs: deferredMs };
  const translated = translatePlatformError(translateFaceError(error));
  const failure =
    translated instanceof RollcallError
      ? translated
      : new RollcallError('internal', undefined, { cause: error });
  const { code, message } = failure;
  if (isRejection(code)) return { kind: 'reject', reason: code, detail: message };
  if (code === 'quota_exceeded')
    return { kind: 'defer', afterMs: Math.min(failure.retryAfterMs ?? longestParkMs, longestParkMs) };
  if (!failures[code].retried) return { kind: 'fail', reason: code, detail: message, error: failure };
  if (attempts + 1 >= (isOutage(failure) ? attemptsInOutage : attemptsAtMost)) {
    return {
      kind: 'fail',
      reason: 'too_many_attempts',
      detail: `The last failure was ${code}.`,
      error: failure,
    };
  }
  const pause = Math.min(1_000 * 2 ** attempts, longestPauseMs) * (0.75 + Math.random() / 2);
  return { kind: 'retry', afterMs: Math.max(pause, failure.retryAfterMs ?? 0), error: failure };
}

/** Nothing answers. A failure that Face itself reports may be of this picture alone. */
function isOutage({ code, cause }: RollcallError): boolean {
  if (code === 'face_unavailable') return !isFaceError(cause, 500);
  return ['storage_unavailable', 'messaging_unavailable', 'face_throttled'].includes(code);
}

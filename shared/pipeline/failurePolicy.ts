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
import type { DeadLetters } from '../messages/deadLetters.ts';
import type { ImageRef } from '../messages/workQueues.ts';
import { attemptFailed, deferredUntil, failed, rejected, type ImageRecord } from '../records/image.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Log } from '../telemetry/log.ts';

/** What becomes of an image after a failed step. */
export type FailureAction =
  | { kind: 'reject'; reason: Rejection; detail: string }
  | { kind: 'defer'; afterMs: number }
  | { kind: 'retry'; afterMs: number; error: RollcallError; isOutage: boolean }
  | { kind: 'fail'; reason: FailureCode; detail: string; error: RollcallError };

/** After this many failures since its last step an image is `failed`; the pauses add up to about two minutes. */
const attemptsAtMost = 10;
/** The same for failures of an outage, which are counted apart: about half an hour. */
const attemptsInOutage = 100;
/** Short enough that work resumes within half a minute after an outage; the rate limiter keeps the rate. */
const longestPauseMs = 20_000;
/** The longest wait for a monthly volume: it may be there sooner than Face says, since the plan may be changed. */
const longestParkMs = 3_600_000;

/**
 * Decides what becomes of an image after a failure.
 *
 *   reject   the image is at fault
 *   defer    the rate limiter has no permit yet, or the monthly volume is used up; counts as no failure
 *   retry    any other failure that may pass: with growing pauses
 *   fail     a failure that does not pass, or has not passed after all retries
 */
export function classifyFailure(
  error: unknown,
  { attempts = 0, outages = 0 }: Pick<ImageRecord, 'attempts' | 'outages'>,
): FailureAction {
  const deferredMs = deferredForMs(error);
  if (deferredMs !== undefined) return { kind: 'defer', afterMs: deferredMs };
  const failure = toRollcallError(error);
  const { code, message } = failure;
  if (isRejection(code)) return { kind: 'reject', reason: code, detail: message };
  if (code === 'quota_exceeded')
    return { kind: 'defer', afterMs: Math.min(failure.retryAfterMs ?? longestParkMs, longestParkMs) };
  if (!failures[code].retried) return { kind: 'fail', reason: code, detail: message, error: failure };
  const [isOutage, before] = isOfOutage(failure) ? [true, outages] : [false, attempts];
  if (before + 1 >= (isOutage ? attemptsInOutage : attemptsAtMost)) {
    return {
      kind: 'fail',
      reason: 'too_many_attempts',
      detail: `The last failure was ${code}.`,
      error: failure,
    };
  }
  const pause = Math.min(1_000 * 2 ** before, longestPauseMs) * (0.75 + Math.random() / 2);
  return { kind: 'retry', afterMs: Math.max(pause, failure.retryAfterMs ?? 0), error: failure, isOutage };
}

/** Whether a service does not answer. A status 500 of Face is no outage: it may be of this image alone. */
function isOfOutage({ code, cause }: RollcallError): boolean {
  return failures[code].outage === true && !isFaceError(cause, 500);
}

/** Translates an error of Face, storage or Service Bus; any other foreign error becomes `internal`. */
export function toRollcallError(error: unknown): RollcallError {
  const translated = translatePlatformError(translateFaceError(error));
  return translated instanceof RollcallError
    ? translated
    : new RollcallError('internal', undefined, { cause: error });
}

export type FailureOptions = {
  imageRecords: Pick<ImageRecords, 'change'>;
  deadLetters: Pick<DeadLetters, 'add'>;
  log: Log;
  now: () => number;
};

/** What was decided, and the record of the image after it; undefined when the record is gone. */
export type RecordedFailure = { action: FailureAction; image: ImageRecord | undefined };

/**
 * Writes the outcome of a failed step into the record of the image; a failure that is final goes to the dead letters
 * first. The caller only has to queue the image again.
 */
export async function recordFailure(
  { imageRecords, deadLetters, log, now }: FailureOptions,
  ref: ImageRef,
  seen: ImageRecord,
  error: unknown,
): Promise<RecordedFailure> {
  const action = classifyFailure(error, seen);
  const outcome = toTransition(action, seen, now);
  if (action.kind === 'retry') log.warn(`image ${ref.image} is retried`, action.error);
  if (action.kind === 'fail') {
    log.error(`image ${ref.image} failed`, action.error);
    await deadLetters.add({ ref, code: action.reason, detail: action.detail });
  }
  return { action, image: await imageRecords.change(ref, (image) => image && outcome(image)) };
}

/** The transition of the record that an action stands for. */
function toTransition(
  action: FailureAction,
  seen: ImageRecord,
  now: () => number,
): (image: ImageRecord) => ImageRecord {
  switch (action.kind) {
    case 'reject': {
      const { reason, detail } = action;
      return (image) => rejected(image, seen, { reason, detail }, now());
    }
    case 'defer':
      return (image) => deferredUntil(image, now() + action.afterMs);
    case 'retry':
      return (image) => attemptFailed(image, action);
    case 'fail': {
      const { reason, detail } = action;
      return (image) => failed(image, seen, { reason, detail }, now());
    }
  }
}

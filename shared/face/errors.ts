import { z } from 'zod';
import { RollcallError } from '../errors/errors.ts';

/** An error answer of Face. `code` is the error code of Face, or the HTTP status when the answer has no code. */
export class FaceError extends Error {
  override readonly name = 'FaceError';
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Face gave no usable answer: the call may have taken effect, may still take effect, or may never do so. */
export class FaceUnanswered extends Error {
  override readonly name = 'FaceUnanswered';
}

// Covers three error envelopes: that of Face, that of its gateway (`statusCode`, no `code`) and that of Limited Access.
const envelope = z.object({
  error: z.object({
    code: z.coerce.string().optional(),
    statusCode: z.coerce.string().optional(),
    message: z.string().default(''),
    innererror: z.object({ code: z.string(), message: z.string().default('') }).optional(),
  }),
});

/** Parses an error answer of Face or of the gateway in front of Face. */
export function readFaceError(status: number, body: string, retryAfter: string | undefined): FaceError {
  const parsed = envelope.safeParse(parseJson(body));
  if (!parsed.success)
    return new FaceError(status, String(status), 'no error envelope', secondsIn(retryAfter));
  const { error } = parsed.data;
  const code = error.innererror?.code ?? error.code ?? error.statusCode ?? String(status);
  const sentence = /in (\d+) (second|minute|hour|day)s?/.exec(error.message);
  return new FaceError(status, code, error.message, secondsIn(retryAfter) ?? spanOf(sentence));
}

const spans: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function spanOf(sentence: RegExpExecArray | null): number | undefined {
  const unit = spans[sentence?.[2] ?? ''];
  return unit === undefined ? undefined : Number(sentence?.[1]) * unit;
}

function secondsIn(header: string | undefined): number | undefined {
  return header !== undefined && /^\d+$/.test(header) ? Number(header) * 1_000 : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isFaceError(error: unknown, status: number, ...codes: string[]): error is FaceError {
  return (
    error instanceof FaceError &&
    error.status === status &&
    (codes.length === 0 || codes.includes(error.code))
  );
}

/**
 * Whether a mutating call that failed may have taken effect: yes, unless Face refused the call or the call was never
 * sent. An unexpected error does not prove that the call had no effect.
 */
export function mayHaveTakenEffect(error: unknown): boolean {
  if (error instanceof FaceError) return error.status >= 500 || error.status === 408;
  const neverLeft =
    error instanceof RollcallError && (error.code === 'busy' || error.code === 'quota_exceeded');
  return !neverLeft;
}

/** Translates an error of Face into a RollcallError. An error that is not one of Face is returned unchanged. */
export function translateFaceError(error: unknown): unknown {
  if (error instanceof FaceUnanswered)
    return new RollcallError('face_unavailable', error.message, { cause: error });
  if (!(error instanceof FaceError)) return error;
  const options =
    error.retryAfterMs === undefined ? { cause: error } : { cause: error, retryAfterMs: error.retryAfterMs };
  const detail = `Face answered ${error.status} ${error.code}.`;
  if (error.status === 429) return new RollcallError('face_throttled', detail, options);
  if (error.status === 404 && error.code === 'LargePersonGroupNotFound')
    return new RollcallError('group_lost', detail, options);
  if (error.status === 403 && error.code === 'QuotaExceeded')
    return new RollcallError('plan_full', `Face said: ${error.message}`, options);
  if (error.status === 403 && error.message.includes('quota'))
    return new RollcallError('quota_exceeded', detail, options);
  if (error.status === 401 || error.status === 403)
    return new RollcallError('face_access_denied', detail, options);
  if (error.status >= 500 || error.status === 408)
    return new RollcallError('face_unavailable', detail, options);
  if (error.status === 409) return new RollcallError('conflict', detail, options);
  return new RollcallError('face_refused', detail, options);
}

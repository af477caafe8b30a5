import { randomUUID } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import { request, type Dispatcher } from 'undici';
import { deferred } from '../errors/errors.ts';
import { FaceUnanswered, isFaceError, readFaceError } from './errors.ts';
import type { Permit, Priority, RateLimiter } from '../quota/rateLimiter.ts';
import { requestContext } from '../telemetry/requestContext.ts';

export type FaceTransportOptions = {
  endpoint: string;
  /** A key of the Face resource, or an identity with the role Cognitive Services User. */
  credential: { key: string } | { identity: TokenCredential };
  limiter: RateLimiter;
  timeoutMs: number;
  dispatcher?: Dispatcher;
  now?: () => number;
};

export type FaceCall = {
  priority: Priority;
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  json?: unknown;
  bytes?: Uint8Array;
  /** The call is not sent after this time (milliseconds since 1970), however long the way to Face takes. */
  sendBefore?: number;
};

export type FaceTransport = (call: FaceCall) => Promise<unknown>;

/** A call that came too late to be sent is asked for again after this time. */
const lateRetryMs = 1_000;

/** Scope of Microsoft Entra tokens for Azure AI services. */
const scope = 'https://cognitiveservices.azure.com/.default';
const defaultThrottleMs = 1_000;
/** Longest pause of all calls after the monthly volume is used up: the plan may have been changed in the meantime. */
const longestParkMs = 3_600_000;
const attemptsOfAGet = 3;

/**
 * Sends one call to Face: takes a permit from the rate limiter, applies the time limit and parses error answers. A GET
 * is repeated after a transient error, and any call after a 429. A mutating call is not repeated after another error or
 * without an answer: only the caller knows how to find out whether the call took effect. A call with `sendBefore` is
 * checked last of all, after the waits for a permit and a token.
 */
export function createFaceTransport(options: FaceTransportOptions): FaceTransport {
  return async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      const permit = await options.limiter.acquire(call.priority);
      try {
        return await send(options, call, permit);
      } catch (error) {
        await tellGate(options.limiter, permit, error);
        const again = isFaceError(error, 429) || (call.method === 'GET' && isTransient(error));
        if (!again || attempt === attemptsOfAGet) throw error;
      }
    }
  };
}

function isTransient(error: unknown): boolean {
  return error instanceof FaceUnanswered || [500, 502, 503, 504].some((status) => isFaceError(error, status));
}

async function tellGate(limiter: RateLimiter, permit: Permit, error: unknown): Promise<void> {
  if (isFaceError(error, 429)) await limiter.refused(permit, error.retryAfterMs ?? defaultThrottleMs);
  if (isFaceError(error, 403) && error.code !== 'QuotaExceeded' && error.message.includes('quota'))
    await limiter.exhausted(Math.min(error.retryAfterMs ?? longestParkMs, longestParkMs));
}

async function send(options: FaceTransportOptions, call: FaceCall, permit: Permit): Promise<unknown> {
  const url = new URL(`/face/v1.2${call.path}`, options.endpoint);
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const { status, retryAfter, serviceMs, text } = await exchange(options, call, url);
  permit.answered(serviceMs);
  // Face was seen to answer 299 for a success with a warning.
  if (status >= 300) throw readFaceError(status, text, retryAfter);
  return readAnswer(text);
}

function readAnswer(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    // The call has taken effect, but its result is lost.
    throw new FaceUnanswered('Face gave an answer that cannot be read.', { cause: error });
  }
}

async function exchange(options: FaceTransportOptions, call: FaceCall, url: URL) {
  const authorization = await authorize(options);
  if (call.sendBefore !== undefined && (options.now ?? Date.now)() > call.sendBefore)
    throw deferred(lateRetryMs);
  try {
    const response = await request(url, {
      method: call.method,
      headers: { ...authorization, ...contentOf(call).headers, ...contextHeaders() },
      body: contentOf(call).body,
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
    });
    const retryAfter = response.headers['retry-after'];
    const serviceMs = Number(response.headers['x-envoy-upstream-service-time'] ?? NaN);
    return {
      status: response.statusCode,
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      serviceMs: Number.isFinite(serviceMs) ? serviceMs : undefined,
      text: await response.body.text(),
    };
  } catch (error) {
    throw new FaceUnanswered(
      `Face did not answer ${call.method} within its time limit or the connection broke.`,
      {
        cause: error,
      },
    );
  }
}

/** Headers that let the support of Face, and a trace, tell to which request of Rollcall a call belongs. */
function contextHeaders(): Record<string, string> {
  const { requestId, ...trace } = requestContext() ?? { requestId: randomUUID() };
  return { 'client-request-id': requestId, ...trace };
}

function contentOf(call: FaceCall): { headers: Record<string, string>; body: Uint8Array | string | null } {
  if (call.bytes !== undefined)
    return { headers: { 'content-type': 'application/octet-stream' }, body: call.bytes };
  if (call.json !== undefined) {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(call.json) };
  }
  // A POST without a body has to send `content-length: 0`: /train was reported to fail otherwise.
  return { headers: call.method === 'GET' ? {} : { 'content-length': '0' }, body: null };
}

async function authorize({ credential, timeoutMs }: FaceTransportOptions): Promise<Record<string, string>> {
  if ('key' in credential) return { 'ocp-apim-subscription-key': credential.key };
  const token = await credential.identity.getToken(scope, { abortSignal: AbortSignal.timeout(timeoutMs) });
  if (token === null) throw new Error('the identity gave no token for Face');
  return { authorization: `Bearer ${token.token}` };
}

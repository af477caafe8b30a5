import { SpanKind } from '@opentelemetry/api';
import { codeOf, deferredForMs } from '../../errors/errors.ts';
import type { FaceClient } from '../../face/client.ts';
import { translateFaceError } from '../../face/errors.ts';
import { type Priority, type RateLimiter } from '../../quota/rateLimiter.ts';
import { record } from '../../telemetry/metrics.ts';
import { inSpan } from '../../telemetry/spans.ts';

type Call = (...args: never[]) => Promise<unknown>;

/** Wraps a Face client so that each operation has a span and its duration is recorded. */
export function observeFace(client: FaceClient, priority: Priority): FaceClient {
  const observed = Object.entries(client as unknown as Record<string, Call>).map(
    ([operation, call]): [string, Call] => [
      operation,
      (...args) => timed(operation, priority, () => call(...args)),
    ],
  );
  return Object.fromEntries(observed) as unknown as FaceClient;
}

async function timed(operation: string, priority: Priority, call: () => Promise<unknown>): Promise<unknown> {
  const attributes = { 'rollcall.operation': operation, 'rollcall.priority': priority };
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  return inSpan(`face ${operation}`, { kind: SpanKind.CLIENT, attributes }, async () => {
    try {
      const answer = await call();
      record('rollcall.face.duration', seconds(), attributes);
      return answer;
    } catch (error) {
      if (deferredForMs(error) === undefined) {
        const failure = { 'error.type': codeOf(translateFaceError(error)) };
        record('rollcall.face.duration', seconds(), { ...attributes, ...failure });
      }
      throw error;
    }
  });
}

/** Wraps a rate limiter so that calls and waits are recorded by priority, and refusals by Face are counted. */
export function observeRateLimiter(limiter: RateLimiter): RateLimiter {
  return {
    async acquire(priority) {
      const attributes = { 'rollcall.priority': priority };
      const cameAt = performance.now();
      const permit = await limiter.acquire(priority);
      record('rollcall.limiter.wait', (performance.now() - cameAt) / 1_000, attributes);
      record('rollcall.face.calls', 1, attributes);
      return permit;
    },
    async refused(permit, retryAfterMs) {
      record('rollcall.face.throttled', 1);
      await limiter.refused(permit, retryAfterMs);
    },
    async exhausted(renewsInMs) {
      record('rollcall.face.throttled', 1);
      await limiter.exhausted(renewsInMs);
    },
  };
}

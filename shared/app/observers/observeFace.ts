import { SpanKind } from '@opentelemetry/api';
import { codeOf, deferredForMs } from '../../errors/errors.ts';
import type { FaceClient } from '../../face/client.ts';
import { translateFaceError } from '../../face/errors.ts';
import { type Lane, type QuotaGate } from '../../quota/rateLimiter.ts';
import { record } from '../../telemetry/metrics.ts';
import { inSpan } from '../../telemetry/spans.ts';

type Call = (...args: never[]) => Promise<unknown>;

/** The same client, with a span and a time for each operation. */
export function observeFace(client: FaceClient, lane: Lane): FaceClient {
  const observed = Object.entries(client as unknown as Record<string, Call>).map(
    ([operation, call]): [string, Call] => [
      operation,
      (...args) => timed(operation, lane, () => call(...args)),
    ],
  );
  return Object.fromEntries(observed) as unknown as FaceClient;
}

async function timed(operation: string, lane: Lane, call: () => Promise<unknown>): Promise<unknown> {
  const attributes = { 'rollcall.operation': operation, 'rollcall.lane': lane };
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

/** The same gate, with what passes it counted by lane. */
export function observeGate(gate: QuotaGate): QuotaGate {
  return {
    async pass(lane) {
      const attributes = { 'rollcall.lane': lane };
      const cameAt = performance.now();
      const departure = await gate.pass(lane);
      record('rollcall.gate.wait', (performance.now() - cameAt) / 1_000, attributes);
      record('rollcall.face.calls', 1, attributes);
      return departure;
    },
    async refused(departure, retryAfterMs) {
      record('rollcall.face.throttled', 1);
      await gate.refused(departure, retryAfterMs);
    },
    async exhausted(renewsInMs) {
      record('rollcall.face.throttled', 1);
      await gate.exhausted(renewsInMs);
    },
  };
}

import { RestError } from '@azure/data-tables';
import { request } from 'undici';
import type { Clients } from './clients.ts';
import { RollcallError } from '../errors/errors.ts';
import { containers, queues, tables } from '../config/resources.ts';

export type PartHealth = { status: 'ok' | 'down'; detail?: string };
export type HealthReport = { status: 'ok' | 'down'; parts: Record<string, PartHealth> };

/** Checks one part; resolves when the part is healthy. */
export type Question = (abortSignal: AbortSignal) => Promise<unknown>;

const limitMs = 5_000;
/** How long a report is reused, so that frequent health requests cause no further checks. */
const freshMs = 1_000;

/** The health checks by part; no check uses a call of the Face quota. */
export function healthQuestions({
  clients,
  checkVersion,
  face,
}: {
  clients: Clients;
  checkVersion: () => Promise<void>;
  face: string;
}): Record<string, Question> {
  return {
    blobs: (abortSignal) =>
      clients.blobs.getContainerClient(containers.enroll).getProperties({ abortSignal }),
    async tables(abortSignal) {
      try {
        await clients.table(tables.groups).getEntity('health', 'health', { abortSignal });
      } catch (error) {
        if (!(error instanceof RestError) || error.statusCode !== 404) throw error;
      }
      await checkVersion();
    },
    async serviceBus(abortSignal) {
      const receiver = clients.serviceBus.createReceiver(queues.images.name);
      try {
        await receiver.peekMessages(1, { abortSignal });
      } finally {
        await receiver.close();
      }
    },
    async face(signal) {
      // Without a key Face answers 401 and does not count the call.
      const { statusCode, body } = await request(new URL('/face/v1.2/largepersongroups', face), { signal });
      await body.dump();
      if (statusCode >= 500) throw new FaceIsDown();
    },
  };
}

class FaceIsDown extends Error {
  override readonly name = 'FaceIsDown';
}

/** Checks all parts in parallel, at most once per second regardless of the number of health requests. */
export function createHealth(
  questions: Record<string, Question>,
  now: () => number,
): () => Promise<HealthReport> {
  let last: { at: number; report: Promise<HealthReport> } | undefined;
  return () => {
    if (last === undefined || now() - last.at >= freshMs) {
      const report = reportOn(questions);
      const asked = { at: Infinity, report };
      last = asked;
      // The age of a report counts from its completion. The promise of a report never rejects.
      void report.then(() => (asked.at = now()));
    }
    return last.report;
  };
}

async function reportOn(questions: Record<string, Question>): Promise<HealthReport> {
  const asked = Object.entries(questions).map(async ([name, ask]) => [name, await askPart(ask)] as const);
  const parts = Object.fromEntries(await Promise.all(asked));
  const isDown = Object.values(parts).some(({ status }) => status === 'down');
  return { status: isDown ? 'down' : 'ok', parts };
}

/** Checks one part within `limitMs`, even if the check ignores its abort signal. */
async function askPart(ask: Question): Promise<PartHealth> {
  const signal = AbortSignal.timeout(limitMs);
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    await Promise.race([ask(signal), late]);
    return { status: 'ok' };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'Error';
    return { status: 'down', detail: error instanceof RollcallError ? error.code : name };
  }
}

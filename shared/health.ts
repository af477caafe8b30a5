import { request } from 'undici';
import type { Clients } from './clients.ts';
import { containers, queues } from './resources.ts';
import type { Groups } from './records/groups.ts';

export type PartHealth = { status: 'ok' | 'down'; detail?: string };
export type HealthReport = { status: 'ok' | 'down'; parts: Record<string, PartHealth> };

const timeoutMs = 5_000;

/** Asks each part whether it answers; none of the questions costs a call of the Face quota. */
export function createHealth({ clients, face, groups }: { clients: Clients; face: string; groups: Groups }) {
  const questions: Record<string, () => Promise<unknown>> = {
    blobs: () => clients.blobs.getContainerClient(containers.enroll).getProperties(),
    tables: () => groups.get('health'),
    async serviceBus() {
      const receiver = clients.serviceBus.createReceiver(queues.pictures.name);
      try {
        await receiver.peekMessages(1);
      } finally {
        await receiver.close();
      }
    },
    async face() {
      // Any answer will do: without a key it is 401, and counts as no call.
      const response = await request(new URL('/face/v1.2/largepersongroups', face), { method: 'GET' });
      await response.body.dump();
    },
  };

  return async (): Promise<HealthReport> => {
    const parts = Object.fromEntries(
      await Promise.all(
        Object.entries(questions).map(async ([name, ask]) => [name, await answered(ask())] as const),
      ),
    );
    const down = Object.values(parts).some(({ status }) => status === 'down');
    return { status: down ? 'down' : 'ok', parts };
  };
}

async function answered(question: Promise<unknown>): Promise<PartHealth> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1_000} s`)), timeoutMs);
  });
  try {
    await Promise.race([question, late]);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'down', detail: error instanceof Error ? error.name : 'Error' };
  } finally {
    clearTimeout(timer);
  }
}

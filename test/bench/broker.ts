import { ServiceBusClient } from '@azure/service-bus';
import type { ServiceBusReady } from '../../emulators/service-bus/broker.ts';
import { eventually } from '../helpers/eventually.ts';
import { startEmulatorProcess } from '../helpers/emulatorProcess.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/*
 * Messages a second through the broker, by the official client, beside what the pipeline needs: at ten calls to Face
 * a second five pictures, each with a message to its person, and one of training for many.
 */

const needed = 10;
const total = 4_000;
const atOnce = 64;
/** A slot that waits for a session holds up the end for so long. */
const waitBriefly = { retryOptions: { timeoutInMs: 3_000 } };
const sessions = 200;
const lock = { lockDurationSeconds: 30, maxDeliveryCount: 10 };
const queues = [
  { name: 'plain', requiresSession: false, ...lock },
  { name: 'sessions', requiresSession: true, ...lock },
];

export async function broker(connections: number): Promise<void> {
  const folder = await temporaryFolder();
  const part = await startEmulatorProcess<ServiceBusReady>('service-bus', {
    dataDir: folder.path,
    port: 0,
    queues,
  });
  const clients = Array.from(
    { length: connections },
    () => new ServiceBusClient(part.ready.connectionString, waitBriefly),
  );
  try {
    console.log(`messages a second of the broker, ${connections} connection(s), needed: ${needed}`);
    await print('sent', () => send(clients, 'plain', () => ({})));
    await print('received and completed', () => receive(clients));
    await print('sent to sessions', () =>
      send(clients, 'sessions', (index) => ({ sessionId: `s${index % sessions}` })),
    );
    await print(`taken from ${sessions} sessions`, () => takeSessions(clients));
    const later = new Date(Date.now() + 3_600_000);
    await print('scheduled', () => send(clients, 'plain', () => ({ scheduledEnqueueTimeUtc: later })));
    await print('sent and received beside them', async () => {
      await send(clients, 'plain', () => ({}));
      await receive(clients);
    });
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await part.stop();
    await folder.remove();
  }
}

async function print(what: string, work: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  await work();
  const rate = total / ((performance.now() - begin) / 1_000);
  console.log(
    `  ${what.padEnd(30)} ${rate.toFixed(0).padStart(6)}  ${(rate / needed).toFixed(0)} times what is needed`,
  );
}

async function send(
  clients: readonly ServiceBusClient[],
  queue: string,
  options: (index: number) => object,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, worker) => {
      const sender = clients[worker % clients.length]?.createSender(queue);
      for (let index = next++; index < total; index = next++) {
        await sender?.sendMessages({ body: { key: { group: 'g', person: 'p' } }, ...options(index) });
      }
      await sender?.close();
    }),
  );
}

async function receive(clients: readonly ServiceBusClient[]): Promise<void> {
  let received = 0;
  const subscriptions = clients.map((client) =>
    client.createReceiver('plain').subscribe(
      {
        async processMessage() {
          received += 1;
        },
        processError: ({ error }) => Promise.reject(error),
      },
      { maxConcurrentCalls: Math.ceil(atOnce / clients.length) },
    ),
  );
  await eventually('all have come', () => received >= total, 300_000);
  await Promise.all(subscriptions.map((subscription) => subscription.close()));
}

/** As the Functions host does: a slot takes a session, works through its messages one by one, lets it go. */
async function takeSessions(clients: readonly ServiceBusClient[]): Promise<void> {
  let left = total;
  await Promise.all(
    Array.from({ length: atOnce }, async (_, slot) => {
      const client = clients[slot % clients.length];
      if (client === undefined) return;
      while (left > 0) {
        const session = await Promise.race([
          client.acceptNextSession('sessions').catch(() => undefined),
          eventually('all are taken', () => left === 0, 300_000),
        ]);
        if (typeof session !== 'object') return;
        for (;;) {
          const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: 100 });
          if (message === undefined) break;
          await session.completeMessage(message);
          left -= 1;
        }
        await session.close();
      }
    }),
  );
}

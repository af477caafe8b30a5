import {
  ServiceBusClient,
  type ServiceBusSessionReceiver,
  type ServiceBusSessionReceiverOptions,
} from '@azure/service-bus';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { startServiceBus, type ServiceBusReady } from '../../../emulators/service-bus/broker.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startTcpProxy } from '../../helpers/tcpProxy.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';
import { queues, quick, receiveOne } from './harness.ts';

/* What holds between several connections, as of several instances of an app. */

const connections = 4;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let broker: RunningEmulator<ServiceBusReady>;
let clients: ServiceBusClient[];
let client: ServiceBusClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  broker = await startServiceBus({ dataDir: folder.path, port: 0, queues });
  const connect = (): ServiceBusClient => new ServiceBusClient(broker.ready.connectionString, quick);
  clients = Array.from({ length: connections }, connect);
  client = connect();
});

afterAll(async () => {
  await Promise.all([client, ...clients].map((each) => each.close()));
  await broker.close();
  await folder.remove();
});

/** Takes a session as soon as nobody else has it. */
function acceptWhenFree(
  by: ServiceBusClient,
  session: string,
  options?: ServiceBusSessionReceiverOptions,
): Promise<ServiceBusSessionReceiver> {
  return eventually(`the session ${session} is free`, () =>
    by.acceptSession('brief-sessions', session, options),
  );
}

const noRenewal = { maxAutoLockRenewalDurationInMs: 0 };

test('a session whose lock runs out goes to the next, and its message has failed once; its old holder is told', async () => {
  await client
    .createSender('brief-sessions')
    .sendMessages([1, 2].map((body) => ({ body, sessionId: 'slow' })));
  const slow = await client.acceptSession('brief-sessions', 'slow', noRenewal);
  const held = await receiveOne(slow);
  expect(held).toMatchObject({ body: 1, deliveryCount: 0 });

  // Renewed, it stays with the next, however long that takes.
  const next = await acceptWhenFree(clients[0] ?? client, 'slow');
  const again = await receiveOne(next);
  expect(again).toMatchObject({ body: 1, deliveryCount: 1 });
  await expect(slow.completeMessage(held)).rejects.toMatchObject({ code: 'SessionLockLost' });
  await expect(slow.renewSessionLock()).rejects.toMatchObject({ code: 'SessionLockLost' });
  await next.completeMessage(again);
  const second = await receiveOne(next);
  expect(second).toMatchObject({ body: 2, deliveryCount: 0 });
  await next.completeMessage(second);
  await next.close();
});

test('a session whose lock runs out time and again dead-letters its message, and goes on', async () => {
  await client
    .createSender('brief-sessions')
    .sendMessages([1, 2].map((body) => ({ body, sessionId: 'stuck' })));
  for (const deliveryCount of [0, 1, 2]) {
    const holder = await acceptWhenFree(client, 'stuck', noRenewal);
    expect(await receiveOne(holder)).toMatchObject({ body: 1, deliveryCount });
  }
  const next = await acceptWhenFree(client, 'stuck');
  const second = await receiveOne(next);
  expect(second).toMatchObject({ body: 2, deliveryCount: 0 });
  await next.completeMessage(second);
  await next.close();
  const deadLetters = client.createReceiver('brief-sessions', { subQueueType: 'deadLetter' });
  const dead = await receiveOne(deadLetters);
  expect(dead).toMatchObject({ body: 1, deadLetterReason: 'MaxDeliveryCountExceeded', sessionId: 'stuck' });
  await deadLetters.completeMessage(dead);
});

test('a session goes to another connection at once when that of its holder breaks, and nothing has failed', async () => {
  const proxy = await startTcpProxy();
  const { connectionString, port } = broker.ready;
  proxy.aimAt(port);
  const dying = new ServiceBusClient(connectionString.replace(`:${port}`, `:${proxy.port}`), quick);
  await client.createSender('sessions').sendMessages([1, 2].map((body) => ({ body, sessionId: 'left' })));
  const holder = await dying.acceptSession('sessions', 'left');
  await holder.setSessionState('half way');
  const held = await receiveOne(holder);
  // Longer than the session would be locked, were it not let go.
  const waiting = (clients[0] ?? client).acceptNextSession('sessions');
  proxy.change('reset');
  const next = await waiting;
  expect(next.sessionId).toBe('left');
  expect(await next.getSessionState()).toBe('half way');
  for (const body of [1, 2]) {
    const message = await receiveOne(next);
    expect(message).toMatchObject({ body, deliveryCount: 0 });
    await next.completeMessage(message);
  }
  proxy.change('fair');
  await expect(holder.completeMessage(held)).rejects.toMatchObject({ code: 'SessionLockLost' });
  await next.setSessionState(null);
  await next.close();
  await dying.close();
  proxy.close();
});

test('several connections share a queue: each message comes to one of them, once', async () => {
  const received = clients.map((): unknown[] => []);
  const subscriptions = clients.map((each, index) =>
    each.createReceiver('plain').subscribe(
      {
        async processMessage({ body }) {
          received[index]?.push(body);
        },
        processError: ({ error }) => Promise.reject(error),
      },
      { maxConcurrentCalls: 4 },
    ),
  );
  const sender = client.createSender('plain');
  let sent = 0;
  // A connection that is late has its share of later messages.
  for (let batch = 0; batch < 100 && received.some((share) => share.length === 0); batch += 1) {
    const bodies = Array.from({ length: 40 }, () => (sent += 1));
    await Promise.all(bodies.map((body) => sender.sendMessages({ body })));
    await eventually('all have come', () => received.flat().length >= sent);
  }
  await Promise.all(subscriptions.map((subscription) => subscription.close()));
  expect(received.flat().toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: sent }, (_, index) => index + 1),
  );
  for (const share of received) expect(share.length).toBeGreaterThan(0);
});

test('several connections share sessions: one holder at a time, and each session in order', async () => {
  const sessions = 20;
  const messages = 10;
  const sender = client.createSender('sessions');
  for (let body = 0; body < messages; body += 1) {
    await sender.sendMessages(
      Array.from({ length: sessions }, (_, session) => ({ body, sessionId: `shared-${session}` })),
    );
  }
  const taken = new Map<string, unknown[]>();
  const holders = new Map<string, number>();
  // At once each has one of its own.
  const first = await Promise.all(clients.map((each) => each.acceptNextSession('sessions')));
  expect(new Set(first.map(({ sessionId }) => sessionId)).size).toBe(connections);
  await Promise.all(first.map((session) => session.close()));

  const isOver = (): boolean => [...taken.values()].flat().length === sessions * messages;
  let ends: Promise<void> | undefined;
  /** A last session for each connection: none is left waiting for one. */
  const sendEnds = () =>
    sender.sendMessages(clients.map((_, index) => ({ body: 'end', sessionId: `end-${index}` })));

  async function work(by: ServiceBusClient): Promise<void> {
    for (;;) {
      const session = await by.acceptNextSession('sessions');
      const { sessionId } = session;
      if (sessionId.startsWith('end-')) {
        await session.completeMessage(await receiveOne(session));
        return session.close();
      }
      holders.set(sessionId, (holders.get(sessionId) ?? 0) + 1);
      // Half of a session, then it is for whoever comes next.
      for (const message of await session.receiveMessages(messages / 2, { maxWaitTimeInMs: 500 })) {
        expect(holders.get(sessionId)).toBe(1);
        taken.set(sessionId, [...(taken.get(sessionId) ?? []), message.body]);
        await session.completeMessage(message);
      }
      holders.set(sessionId, (holders.get(sessionId) ?? 0) - 1);
      await session.close();
      if (isOver()) await (ends ??= sendEnds());
    }
  }

  await Promise.all(clients.map((each) => work(each)));
  expect(taken.size).toBe(sessions);
  const inOrder = Array.from({ length: messages }, (_, body) => body);
  for (const bodies of taken.values()) expect(bodies).toEqual(inOrder);
});

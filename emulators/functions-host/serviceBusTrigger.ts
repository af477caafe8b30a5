import { setTimeout as sleep } from 'node:timers/promises';
import {
  isServiceBusError,
  type ServiceBusClient,
  type ServiceBusReceivedMessage,
  type ServiceBusReceiver,
  type ServiceBusSessionReceiver,
} from '@azure/service-bus';
import { describeFailure } from '../common/failureText.ts';
import type { RegisteredFunction } from './core.ts';
import type { HostSettings } from './hostSettings.ts';
import { findTrigger, type Invoke } from './invoke.ts';
import { toServiceBusInput } from './serviceBusMessage.ts';

export type ServiceBusTriggerOptions = {
  /** The listener closes the client when the listener closes. */
  client: ServiceBusClient;
  settings: HostSettings['extensions']['serviceBus'];
  resolve: (text: string) => string;
  invoke: Invoke;
  onError: (message: string) => void;
};

type Listener = { close(): Promise<void> };

/**
 * Listens to the queue of a Service Bus trigger. A message is completed when its function succeeds, and abandoned when
 * its function fails.
 * @throws Error when the trigger asks for batches
 */
export function listenToServiceBus(
  registered: RegisteredFunction,
  options: ServiceBusTriggerOptions,
): Listener {
  const { binding } = findTrigger(registered.metadata.bindings);
  if (binding['cardinality'] === 'many') {
    throw new Error(`${registered.metadata.name}: batches (cardinality many) are not supported by this host`);
  }
  const queue = options.resolve(String(binding['queueName']));
  const complete = binding['autoCompleteMessages'] !== false && options.settings.autoCompleteMessages;
  const deliver = (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) =>
    runOnMessage(registered, options, receiver, message, complete);
  return binding['isSessionsEnabled'] === true
    ? listenToSessions(queue, options, deliver)
    : listenToQueue(queue, options, deliver);
}

type Deliver = (receiver: ServiceBusReceiver, message: ServiceBusReceivedMessage) => Promise<void>;

async function runOnMessage(
  registered: RegisteredFunction,
  { invoke, onError }: ServiceBusTriggerOptions,
  receiver: ServiceBusReceiver,
  message: ServiceBusReceivedMessage,
  complete: boolean,
): Promise<void> {
  const succeeded = await invoke(registered, toServiceBusInput(message)).then(
    () => true,
    () => false,
  );
  try {
    if (!succeeded) await receiver.abandonMessage(message);
    else if (complete) await receiver.completeMessage(message);
  } catch (error) {
    // When the lock of a message is lost, the message is delivered again, as with the real host.
    onError(`a message could not be settled: ${describeFailure(error)}`);
  }
}

function listenToQueue(
  queue: string,
  { client, settings, onError }: ServiceBusTriggerOptions,
  deliver: Deliver,
) {
  const receiver = client.createReceiver(queue, {
    receiveMode: 'peekLock',
    maxAutoLockRenewalDurationInMs: settings.maxAutoLockRenewalDuration,
  });
  const running = new Set<Promise<void>>();
  let stopping = false;
  const subscription = receiver.subscribe(
    {
      processMessage(message) {
        const done = deliver(receiver, message).finally(() => running.delete(done));
        running.add(done);
        return done;
      },
      async processError({ error }) {
        if (!stopping) onError(`${queue}: ${describeFailure(error)}`);
      },
    },
    { maxConcurrentCalls: settings.maxConcurrentCalls, autoCompleteMessages: false },
  );
  return {
    async close() {
      stopping = true;
      await subscription.close();
      await Promise.all(running);
      await receiver.close();
      await client.close();
    },
  };
}

/**
 * Listens to a queue with sessions. Each of `maxConcurrentSessions` slots has one session at a time: the slot handles
 * the messages of the session in order, and releases the session when no message has arrived for `sessionIdleTimeout`.
 */
function listenToSessions(queue: string, options: ServiceBusTriggerOptions, deliver: Deliver): Listener {
  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  const deliverAndTrack: Deliver = (receiver, message) => {
    const done = deliver(receiver, message).finally(() => running.delete(done));
    running.add(done);
    return done;
  };
  for (let slot = 0; slot < options.settings.maxConcurrentSessions; slot += 1) {
    void runSlot(queue, options, deliverAndTrack, stop.signal);
  }
  return {
    async close() {
      stop.abort();
      await Promise.all(running);
      // A slot that waits for a session holds no message, and its wait ends only with the client.
      await options.client.close();
    },
  };
}

const pauseAfterErrorMs = 1_000;

async function runSlot(
  queue: string,
  { client, settings, onError }: ServiceBusTriggerOptions,
  deliver: Deliver,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let session: ServiceBusSessionReceiver | undefined;
    try {
      session = await client.acceptNextSession(queue, {
        maxAutoLockRenewalDurationInMs: settings.maxAutoLockRenewalDuration,
        abortSignal: signal,
      });
      await handleSession(session, settings.sessionIdleTimeout, deliver, signal);
    } catch (error) {
      const noSession = isServiceBusError(error) && error.code === 'ServiceTimeout';
      if (!signal.aborted && !noSession) {
        onError(`${queue}: ${describeFailure(error)}`);
        await sleep(pauseAfterErrorMs, undefined, { signal }).catch(() => undefined);
      }
    } finally {
      await session?.close().catch((error: unknown) => {
        if (!signal.aborted) onError(`${queue}: ${describeFailure(error)}`);
      });
    }
  }
}

async function handleSession(
  session: ServiceBusSessionReceiver,
  idleMs: number,
  deliver: Deliver,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const [message] = await session.receiveMessages(1, { maxWaitTimeInMs: idleMs, abortSignal: signal });
    if (message === undefined) return;
    await deliver(session, message);
  }
}

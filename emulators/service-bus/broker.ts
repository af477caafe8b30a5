import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readOrMakeKey } from '../common/keyFile.ts';
import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { withDeadLetterReason } from './codec.ts';
import type { ConnectionLimits } from './connectionLimits.ts';
import { listen } from './listener.ts';
import { Queue, type QueueDescription } from './queue.ts';
import { MessageStore } from './store.ts';

export type ServiceBusOptions = {
  dataDir: string;
  /** 0 takes any free port. */
  port: number;
  queues: QueueDescription[];
  connectionLimits?: ConnectionLimits;
  now?: () => number;
};

export type ServiceBusReady = { connectionString: string; port: number };

const keyName = 'RootManageSharedAccessKey';

/**
 * Starts a Service Bus namespace on this machine for the unmodified official client: queues with sessions, locks,
 * scheduled messages, duplicate detection and dead letters, stored on disk.
 * @throws Error when the port is in use
 */
export async function startServiceBus(options: ServiceBusOptions): Promise<RunningEmulator<ServiceBusReady>> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const key = readOrMakeKey(join(options.dataDir, 'key'), () => randomBytes(32).toString('base64'));
  const store = new MessageStore(join(options.dataDir, 'messages.sqlite'));
  const { connectionLimits, now = Date.now } = options;
  const queues = createQueues(options.queues, store, now);
  const clock = runClock([...queues.values()], now);
  try {
    const listener = await listen({
      port: options.port,
      key,
      queues,
      onActivity: clock.arm,
      now,
      ...(connectionLimits !== undefined && { connectionLimits }),
    });
    clock.arm();
    const endpoint = `Endpoint=sb://127.0.0.1:${listener.port};SharedAccessKeyName=${keyName};SharedAccessKey=${key}`;
    return {
      ready: { connectionString: `${endpoint};UseDevelopmentEmulator=true`, port: listener.port },
      async close() {
        clock.stop();
        await listener.close();
        store.close();
      },
    };
  } catch (error) {
    clock.stop();
    store.close();
    throw portInUse(error, options.port);
  }
}

/** The queues and their dead-letter queues, by address in lower case. */
function createQueues(
  descriptions: readonly QueueDescription[],
  store: MessageStore,
  now: () => number,
): Map<string, Queue> {
  const queues = new Map<string, Queue>();
  for (const description of descriptions) {
    const name = description.name.toLowerCase();
    const deadLetterName = `${name}/$deadletterqueue`;
    // A dead-letter queue has no sessions, even if its queue has. Its messages do not expire.
    const deadLetterQueue: QueueDescription = {
      name: deadLetterName,
      requiresSession: false,
      lockDurationSeconds: description.lockDurationSeconds,
      maxDeliveryCount: Infinity,
    };
    const options = { now, withDeadLetterReason };
    const deadLetters = new Queue(deadLetterQueue, store.queue(deadLetterName), options);
    queues.set(deadLetterName, deadLetters);
    queues.set(name, new Queue(description, store.queue(name), { ...options, deadLetters }));
  }
  return queues;
}

/** One timer for whatever is due next in any queue. */
function runClock(queues: readonly Queue[], now: () => number): { arm: () => void; stop: () => void } {
  // A timer of Node takes at most 2^31 - 1 ms.
  const longestMs = 60_000;
  let timer: NodeJS.Timeout | undefined;
  let armedFor = Infinity;
  let stopped = false;

  function arm(): void {
    const due = Math.min(...queues.map((queue) => queue.nextDue()), now() + longestMs);
    if (stopped || due >= armedFor) return;
    clearTimeout(timer);
    armedFor = due;
    timer = setTimeout(tick, Math.max(0, due - now()));
  }

  function tick(): void {
    armedFor = Infinity;
    for (const queue of queues) queue.tick();
    arm();
  }

  return {
    arm,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readOrMakeKey } from '../common/keyFile.ts';
import { portInUse, type RunningEmulator } from '../common/childProcess.ts';
import { withDeadLetterReason } from './codec.ts';
import { Entity, type QueueDescription } from './entity.ts';
import type { IntakeLimits } from './intake.ts';
import { listen } from './listener.ts';
import { openStore, type MessageStore } from './store.ts';

export type ServiceBusOptions = {
  /** Absent: the usual limits of what a connection may bring. */
  intake?: IntakeLimits;
  dataDir: string;
  /** 0: any free port. */
  port: number;
  queues: QueueDescription[];
  now?: () => number;
};

export type ServiceBusReady = { connectionString: string; port: number };

const keyName = 'RootManageSharedAccessKey';

/**
 * A Service Bus namespace on this machine, for the unmodified official client: queues with sessions, locks,
 * scheduled messages, duplicate detection and dead letters, kept on disk.
 * @throws Error when the port is in use
 */
export async function startServiceBus(options: ServiceBusOptions): Promise<RunningEmulator<ServiceBusReady>> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const key = readOrMakeKey(join(options.dataDir, 'key'), () => randomBytes(32).toString('base64'));
  const store = openStore(join(options.dataDir, 'messages.sqlite'));
  const entities = entitiesOf(options.queues, store, options.now ?? Date.now);
  const clock = runClock([...entities.values()], options.now ?? Date.now);
  try {
    const listener = await listen({
      port: options.port,
      key,
      entities,
      onActivity: clock.arm,
      now: options.now ?? Date.now,
      ...(options.intake === undefined ? {} : { intake: options.intake }),
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

/** The queues and their dead-letter queues, by their addresses in lower case. */
function entitiesOf(
  queues: readonly QueueDescription[],
  store: MessageStore,
  now: () => number,
): Map<string, Entity> {
  const entities = new Map<string, Entity>();
  const rewriteForDeadLetter = withDeadLetterReason;
  for (const queue of queues) {
    const name = queue.name.toLowerCase();
    const deadLetterName = `${name}/$deadletterqueue`;
    // A dead-letter queue has no sessions, whatever its queue has; its messages never expire.
    const deadLetterQueue: QueueDescription = {
      name: deadLetterName,
      requiresSession: false,
      lockDurationSeconds: queue.lockDurationSeconds,
      maxDeliveryCount: Infinity,
    };
    const deadLetters = new Entity(deadLetterQueue, store.entity(deadLetterName), {
      now,
      deadLetters: undefined,
      rewriteForDeadLetter,
    });
    entities.set(deadLetterName, deadLetters);
    entities.set(name, new Entity(queue, store.entity(name), { now, deadLetters, rewriteForDeadLetter }));
  }
  return entities;
}

/** One timer for what comes next in any queue. */
function runClock(entities: readonly Entity[], now: () => number): { arm: () => void; stop: () => void } {
  // A timer takes at most 2^31 - 1 ms.
  const longestMs = 60_000;
  let timer: NodeJS.Timeout | undefined;
  let armedFor = Infinity;
  let stopped = false;

  function arm(): void {
    const due = Math.min(...entities.map((entity) => entity.nextDue()), now() + longestMs);
    if (stopped || due >= armedFor) return;
    clearTimeout(timer);
    armedFor = due;
    timer = setTimeout(tick, Math.max(0, due - now()));
  }

  function tick(): void {
    armedFor = Infinity;
    for (const entity of entities) entity.tick();
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

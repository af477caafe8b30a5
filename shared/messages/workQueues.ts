import { createHash } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { ServiceBusMessage } from '@azure/service-bus';
import { z } from 'zod';
import { queues } from '../config/resources.ts';
import { inSpan, traceparent } from '../telemetry/spans.ts';
import type { Sender, ServiceBus } from './serviceBus.ts';

/** Identifies an image by the group and by hashes of person and path, so that a message holds no path. */
export type ImageRef = { group: string; person?: string; image: string };

export type PersonKey = { group: string; person: string };

/*
 * A message is a key on a work queue. It names an image, a person or a group and carries no work, so that a message may
 * arrive late, twice or out of order. The content is in the single field `key`, because the Functions host copies the
 * top level of a JSON body over the system properties of the message.
 */
const imageBody = z.object({
  key: z.object({ group: z.string(), person: z.string().optional(), image: z.string() }),
});
const personBody = z.object({ key: z.object({ group: z.string(), person: z.string() }) });
const groupBody = z.object({ key: z.object({ group: z.string() }) });

/** Parses the body of a message as the trigger passes it. @throws ZodError when the body has another shape */
export const parseKey = {
  image(body: unknown): ImageRef {
    const { person, ...rest } = imageBody.parse(body).key;
    return person === undefined ? rest : { ...rest, person };
  },
  person: (body: unknown): PersonKey => personBody.parse(body).key,
  erasure: (body: unknown): { group: string } => groupBody.parse(body).key,
  training: (body: unknown): { group: string } => groupBody.parse(body).key,
};

export interface WorkQueues {
  /** Enqueues an image for delivery after `afterMs` milliseconds (default: at once). */
  enqueueImage(ref: ImageRef, afterMs?: number): Promise<void>;
  /** Enqueues a person. The person is the session, so that one instance at a time reconciles the person. */
  enqueuePerson(key: PersonKey, afterMs?: number): Promise<void>;
  /**
   * Enqueues the training of a group for the time `at` (milliseconds since 1970). Messages with the same group, kind
   * and time are deduplicated.
   */
  enqueueTraining(group: string, kind: string, at: number): Promise<void>;
  /** Enqueues the erasure of a group for delivery after `afterMs` milliseconds (default: at once). */
  enqueueErasure(group: string, afterMs?: number): Promise<void>;
  close(): Promise<void>;
}

export function createWorkQueues(client: ServiceBus, now: () => number): WorkQueues {
  const senders = new Map<string, Sender>();
  const openSender = (queue: string): Sender => {
    const sender = senders.get(queue) ?? client.createSender(queue);
    senders.set(queue, sender);
    return sender;
  };
  const send = async (queue: string, message: ServiceBusMessage, at: number): Promise<void> => {
    const scheduled = at > now() ? { scheduledEnqueueTimeUtc: new Date(at) } : {};
    await inSpan(`send ${queue}`, { kind: SpanKind.PRODUCER, attributes: messaging(queue) }, () =>
      openSender(queue).sendMessages({
        ...message,
        contentType: 'application/json',
        ...scheduled,
        ...traceProperties(),
      }),
    );
  };

  return {
    enqueueImage: (ref, afterMs = 0) => send(queues.images.name, { body: { key: ref } }, now() + afterMs),
    enqueuePerson: (key, afterMs = 0) =>
      send(queues.persons.name, { body: { key }, sessionId: key.person }, now() + afterMs),
    enqueueTraining: (group, kind, at) =>
      send(
        queues.trainings.name,
        {
          body: { key: { group } },
          sessionId: hashSession(group),
          messageId: `${hashSession(group)}.${kind}.${at}`,
        },
        at,
      ),
    enqueueErasure: (group, afterMs = 0) =>
      send(
        queues.erasures.name,
        { body: { key: { group } }, sessionId: hashSession(group) },
        now() + afterMs,
      ),
    async close() {
      await Promise.all([...senders.values()].map((sender) => sender.close()));
    },
  };
}

/** Attributes by the semantic conventions of OpenTelemetry for messaging. */
function messaging(queue: string) {
  return {
    'messaging.system': 'servicebus',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': queue,
  };
}

/**
 * Message properties that carry the trace context: `traceparent` (W3C) is read by the functions of this project,
 * `Diagnostic-Id` by Azure's own tools.
 */
function traceProperties(): Pick<ServiceBusMessage, 'applicationProperties'> {
  const here = traceparent();
  return here === undefined ? {} : { applicationProperties: { traceparent: here, 'Diagnostic-Id': here } };
}

function hashSession(group: string): string {
  return `g${createHash('sha256').update(group).digest('base64url')}`;
}

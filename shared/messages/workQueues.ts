import { createHash } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { ServiceBusMessage } from '@azure/service-bus';
import { z } from 'zod';
import { queues } from '../config/resources.ts';
import { inSpan, traceparent } from '../telemetry/spans.ts';
import type { Sender, ServiceBus } from './serviceBus.ts';

/** Names an image without its path: hashes only, fit for messages. */
export type ImageRef = { group: string; person?: string; image: string };

export type PersonKey = { group: string; person: string };

/*
 * A message is a key on a work queue. It names an image, a person or a group and carries no work, so that it may come
 * late, twice or out of order. The content stands in one field `key`, since the Functions host copies the top level of
 * a JSON body over the system properties of the message.
 */
const imageBody = z.object({
  key: z.object({ group: z.string(), person: z.string().optional(), image: z.string() }),
});
const personBody = z.object({ key: z.object({ group: z.string(), person: z.string() }) });
const groupBody = z.object({ key: z.object({ group: z.string() }) });

/** Parses the body of a message as the trigger hands it over. @throws ZodError on anything else */
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
  /** Queues an image, to be delivered after `afterMs` milliseconds (default: at once). */
  enqueueImage(ref: ImageRef, afterMs?: number): Promise<void>;
  /** Queues a person; the person is the session, so that one instance at a time works on it. */
  enqueuePerson(key: PersonKey, afterMs?: number): Promise<void>;
  /** Queues the training of a group for a point in time. Equal kinds at equal times are one message. */
  enqueueTraining(group: string, kind: string, at: number): Promise<void>;
  /** Queues the erasure of a group. */
  enqueueErasure(group: string, afterMs?: number): Promise<void>;
  close(): Promise<void>;
}

export function createWorkQueues(client: ServiceBus, now: () => number): WorkQueues {
  const senders = new Map<string, Sender>();
  const senderOf = (queue: string): Sender => {
    const sender = senders.get(queue) ?? client.createSender(queue);
    senders.set(queue, sender);
    return sender;
  };
  const send = async (queue: string, message: ServiceBusMessage, at: number): Promise<void> => {
    const scheduled = at > now() ? { scheduledEnqueueTimeUtc: new Date(at) } : {};
    await inSpan(`send ${queue}`, { kind: SpanKind.PRODUCER, attributes: messaging(queue) }, () =>
      senderOf(queue).sendMessages({
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
          sessionId: sessionOf(group),
          messageId: `${sessionOf(group)}.${kind}.${at}`,
        },
        at,
      ),
    enqueueErasure: (group, afterMs = 0) =>
      send(queues.erasures.name, { body: { key: { group } }, sessionId: sessionOf(group) }, now() + afterMs),
    async close() {
      await Promise.all([...senders.values()].map((sender) => sender.close()));
    },
  };
}

/** By OpenTelemetry's conventions for messaging. */
function messaging(queue: string) {
  return {
    'messaging.system': 'servicebus',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': queue,
  };
}

/** The trace goes with the message: under the name of W3C for our functions, under Azure's for its own tools. */
function traceProperties(): Pick<ServiceBusMessage, 'applicationProperties'> {
  const here = traceparent();
  return here === undefined ? {} : { applicationProperties: { traceparent: here, 'Diagnostic-Id': here } };
}

function sessionOf(group: string): string {
  return `g${createHash('sha256').update(group).digest('base64url')}`;
}

import { createHash } from 'node:crypto';
import { SpanKind } from '@opentelemetry/api';
import type { ServiceBusMessage } from '@azure/service-bus';
import { z } from 'zod';
import { queues } from '../config/resources.ts';
import { inSpan, traceparent } from '../telemetry/spans.ts';
import type { Sender, ServiceBus } from './serviceBus.ts';

/** Names a picture without its path: hashes only, fit for messages. */
export type PictureRef = { group: string; person?: string; image: string };

/*
 * Messages are doorbells: they say whom to look at and carry no work, so that they may come late, twice or out of
 * order. The one key `doorbell` around the content keeps its fields from hiding system properties: the Functions
 * host copies the top level of a JSON body over them.
 */
const pictureBell = z.object({
  doorbell: z.object({ group: z.string(), person: z.string().optional(), image: z.string() }),
});
const personBell = z.object({ doorbell: z.object({ group: z.string(), person: z.string() }) });
const groupBell = z.object({ doorbell: z.object({ group: z.string() }) });

export type PersonBell = { group: string; person: string };

/** Reads the body of a message as the trigger hands it over. @throws ZodError on anything else */
export const readBell = {
  picture(body: unknown): PictureRef {
    const { person, ...rest } = pictureBell.parse(body).doorbell;
    return person === undefined ? rest : { ...rest, person };
  },
  person: (body: unknown): PersonBell => personBell.parse(body).doorbell,
  erasure: (body: unknown): { group: string } => groupBell.parse(body).doorbell,
  training: (body: unknown): { group: string } => groupBell.parse(body).doorbell,
};

export interface Doorbells {
  /** Look at this picture, in so many milliseconds. */
  ringPicture(bell: PictureRef, inMs?: number): Promise<void>;
  /** Look at what this person's session has to do. */
  ringPerson(bell: PersonBell, inMs?: number): Promise<void>;
  /** Look at the training of this group at that time. The same kind at the same time rings once. */
  ringTraining(group: string, kind: string, at: number): Promise<void>;
  /** Look at what is to be erased of this group. */
  ringErasure(group: string, inMs?: number): Promise<void>;
  close(): Promise<void>;
}

export function createDoorbells(client: ServiceBus, now: () => number): Doorbells {
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
    ringPicture: (bell, inMs = 0) => send(queues.pictures.name, { body: { doorbell: bell } }, now() + inMs),
    ringPerson: (bell, inMs = 0) =>
      send(queues.persons.name, { body: { doorbell: bell }, sessionId: bell.person }, now() + inMs),
    ringTraining: (group, kind, at) =>
      send(
        queues.trainings.name,
        {
          body: { doorbell: { group } },
          sessionId: sessionOf(group),
          messageId: `${sessionOf(group)}.${kind}.${at}`,
        },
        at,
      ),
    ringErasure: (group, inMs = 0) =>
      send(
        queues.erasures.name,
        { body: { doorbell: { group } }, sessionId: sessionOf(group) },
        now() + inMs,
      ),
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

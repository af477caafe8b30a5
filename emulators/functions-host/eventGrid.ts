import { z } from 'zod';

/** The fields of an event in the Event Grid schema that the host reads. */
const eventGridEvent = z.looseObject({
  eventType: z.string(),
  subject: z.string(),
  data: z.looseObject({ validationCode: z.string().optional() }),
});

export type EventGridEvent = z.output<typeof eventGridEvent>;

/** Undefined when the body of a webhook does not hold events. */
export function parseEvents(body: unknown): EventGridEvent[] | undefined {
  return z.array(eventGridEvent).safeParse(parseJson(body)).data;
}

/** Undefined when the body is not JSON. */
export function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return undefined;
  }
}

/** The code that a webhook has to send back before Event Grid sends events to the webhook. */
export function readValidationCode(events: readonly EventGridEvent[]): string | undefined {
  return events.find(({ eventType }) => eventType === 'Microsoft.EventGrid.SubscriptionValidationEvent')?.data
    .validationCode;
}

/** The blob of a BlobCreated event; undefined for other events. */
export function blobCreated({
  eventType,
  subject,
}: EventGridEvent): { container: string; blob: string } | undefined {
  if (eventType !== 'Microsoft.Storage.BlobCreated') return undefined;
  const match = /^\/blobServices\/default\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(subject);
  return match === null ? undefined : { container: match[1] ?? '', blob: match[2] ?? '' };
}

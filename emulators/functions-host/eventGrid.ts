import { z } from 'zod';

/** Events in the Event Grid schema, as far as the host reads them. */
const eventGridEvent = z.looseObject({
  eventType: z.string(),
  subject: z.string(),
  data: z.looseObject({ validationCode: z.string().optional() }),
});

export type EventGridEvent = z.output<typeof eventGridEvent>;

/** The events that the body of a webhook holds; undefined when it holds something else. */
export function eventsIn(body: unknown): EventGridEvent[] | undefined {
  return z.array(eventGridEvent).safeParse(parseJson(body)).data;
}

/** A body as JSON; undefined when it is none. */
export function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(String(body));
  } catch {
    return undefined;
  }
}

/** The code with which a webhook proves that it wants events. */
export function validationCodeOf(events: readonly EventGridEvent[]): string | undefined {
  return events.find(({ eventType }) => eventType === 'Microsoft.EventGrid.SubscriptionValidationEvent')?.data
    .validationCode;
}

/** Which blob a BlobCreated event speaks of. */
export function blobCreated({
  eventType,
  subject,
}: EventGridEvent): { container: string; blob: string } | undefined {
  if (eventType !== 'Microsoft.Storage.BlobCreated') return undefined;
  const match = /^\/blobServices\/default\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(subject);
  return match === null ? undefined : { container: match[1] ?? '', blob: match[2] ?? '' };
}

import { z } from 'zod';

/** Events in the Event Grid schema, as far as the host reads them. */
export const eventGridEvent = z.looseObject({
  eventType: z.string(),
  subject: z.string(),
  data: z.looseObject({ validationCode: z.string().optional() }),
});

export type EventGridEvent = z.output<typeof eventGridEvent>;

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

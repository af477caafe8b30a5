import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import type { TypedData } from './core.ts';
import type { InvocationInput } from './invoke.ts';

/** The input that the real host gives to a function: the body as a string, the properties as trigger metadata. */
export function toServiceBusInput(message: ServiceBusReceivedMessage): InvocationInput {
  const body = toText(message.body);
  return {
    data: { string: body },
    triggerMetadata: { ...systemProperties(message), ...bodyProperties(body) },
    reason: '(null)',
    details: {
      MessageId: message.messageId,
      SequenceNumber: message.sequenceNumber,
      DeliveryCount: (message.deliveryCount ?? 0) + 1,
      EnqueuedTimeUtc: message.enqueuedTimeUtc?.toISOString(),
      LockedUntilUtc: message.lockedUntilUtc?.toISOString(),
      SessionId: message.sessionId,
    },
  };
}

function toText(body: unknown): string {
  if (typeof body === 'string') return body;
  return body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : JSON.stringify(body);
}

function systemProperties(message: ServiceBusReceivedMessage): Record<string, TypedData> {
  const texts: Record<string, unknown> = {
    MessageId: message.messageId,
    SessionId: message.sessionId,
    LockToken: message.lockToken,
    ContentType: message.contentType,
    CorrelationId: message.correlationId,
    Subject: message.subject,
    Label: message.subject,
    To: message.to,
    ReplyTo: message.replyTo,
    ReplyToSessionId: message.replyToSessionId,
    PartitionKey: message.partitionKey,
    DeadLetterSource: message.deadLetterSource,
  };
  const objects: Record<string, unknown> = {
    DeliveryCount: (message.deliveryCount ?? 0) + 1,
    SequenceNumber: message.sequenceNumber?.toNumber(),
    EnqueuedTimeUtc: message.enqueuedTimeUtc,
    EnqueuedTime: message.enqueuedTimeUtc,
    ExpiresAtUtc: message.expiresAtUtc,
    ExpiresAt: message.expiresAtUtc,
    ApplicationProperties: message.applicationProperties ?? {},
    UserProperties: message.applicationProperties ?? {},
  };
  return { ...typed(texts, (value) => ({ string: String(value) })), ...typed(objects, json) };
}

/** The real host copies the top level of a JSON body into the metadata, where it overrides the system properties. */
function bodyProperties(body: string): Record<string, TypedData> {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const properties = Object.entries(value).map(([name, property]): [string, unknown] => [
    pascal(name),
    property,
  ]);
  return typed(Object.fromEntries(properties), (property) =>
    typeof property === 'string' ? { string: property } : json(property),
  );
}

function typed(
  values: Record<string, unknown>,
  convert: (value: unknown) => TypedData,
): Record<string, TypedData> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, convert(value)]),
  );
}

function json(value: unknown): TypedData {
  return { json: JSON.stringify(value) };
}

function pascal(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

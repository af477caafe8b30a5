import { randomUUID } from 'node:crypto';
import { mapOf, messages, symbolicPairs, types, wrap, type AmqpMessage, type Typed } from './amqp.ts';
import type {
  DeadLetterReason,
  Delivery,
  IncomingMessage,
  MessageContent,
  StoredMessage,
} from './message.ts';

/*
 * Messages stay bytes: a message is taken apart into its sections by their lengths, and only the header and the
 * annotations, which are the broker's, are written anew. What the sender wrote goes out as it came.
 */

const messageAnnotations = 0x72;
const properties = 0x73;
const applicationProperties = 0x74;
const dataSection = 0x75;
const smallUlong = 0x53;

/** Annotations that are the broker's: what a sender writes there counts for nothing. */
const brokersOwn: ReadonlySet<unknown> = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-enqueue-sequence-number',
  'x-opt-message-state',
  'x-opt-locked-until',
  'x-opt-scheduled-enqueue-time',
]);

/** The format of a transfer that holds several messages, each in a data section of an envelope. */
export const batchFormat = 0x80013700;

type Slice = { code: number; bytes: Buffer };

function sectionsOf(bytes: Buffer): Slice[] {
  const reader = new types.Reader(bytes);
  const slices: Slice[] = [];
  while (reader.remaining() > 0) {
    const start = reader.position;
    const { descriptor } = reader.read();
    slices.push({ code: descriptor.value, bytes: bytes.subarray(start, reader.position) });
  }
  return slices;
}

/** The messages of a transfer. */
export function parseTransfer(bytes: Buffer, format: number): IncomingMessage[] {
  if (format !== batchFormat) return [parseMessage(bytes)];
  return sectionsOf(bytes)
    .filter(({ code }) => code === dataSection)
    .map((section) =>
      parseMessage(Buffer.from(types.unwrap(new types.Reader(section.bytes).read()) as Uint8Array)),
    );
}

/** What stands before the body of a message, of which the rest may be missing. */
export function parseHead(bytes: Buffer): AmqpMessage {
  const reader = new types.Reader(bytes);
  while (reader.remaining() > 0 && codeAt(bytes, reader.position) <= applicationProperties) reader.read();
  return messages.decode(bytes.subarray(0, reader.position));
}

/** The code of the section that begins there: a described value, its descriptor a small ulong. */
function codeAt(bytes: Buffer, position: number): number {
  return bytes[position] === 0 && bytes[position + 1] === smallUlong ? (bytes[position + 2] ?? NaN) : NaN;
}

export function parseMessage(bytes: Buffer): IncomingMessage {
  const sections = sectionsOf(bytes);
  const known = sections.filter(({ code }) => code <= applicationProperties);
  const decoded = messages.decode(Buffer.concat(known.map((section) => section.bytes)));
  const scheduled = decoded.message_annotations?.['x-opt-scheduled-enqueue-time'];
  const ownId = decoded.message_id === undefined ? randomUUID() : undefined;
  const bare = Buffer.concat(
    sections.filter(({ code }) => code >= properties).map((section) => section.bytes),
  );
  return {
    // The client cannot settle a message without an ID.
    messageId: ownId ?? textOf(decoded.message_id),
    sessionId: decoded.group_id ?? null,
    scheduledFor: scheduled === undefined ? null : Number(scheduled),
    content: {
      ttl: decoded.ttl ?? null,
      annotations: kept(sections),
      bare: ownId === undefined ? bare : rewriteBare(bare, (message) => ({ ...message, message_id: ownId })),
    },
  };
}

function textOf(id: unknown): string {
  return id instanceof Uint8Array ? Buffer.from(id).toString('hex') : String(id);
}

/** The sender's annotations, without those that are the broker's, as an AMQP map; null when there are none. */
function kept(sections: readonly Slice[]): Uint8Array | null {
  const section = sections.find(({ code }) => code === messageAnnotations);
  const pairs = section === undefined ? [] : pairsIn(section.bytes);
  const own = pairs.filter((_, index) => !brokersOwn.has(pairs[index - (index % 2)]?.value));
  return own.length === 0 ? null : bytesOf(mapOf(own));
}

/** Keys and values of a map, in turn, with their types. */
function pairsIn(bytes: Uint8Array): Typed[] {
  const { value } = new types.Reader(Buffer.from(bytes)).read();
  return Array.isArray(value) ? (value as Typed[]) : [];
}

function bytesOf(value: unknown): Buffer {
  const writer = new types.Writer();
  writer.write(value);
  return writer.toBuffer();
}

type Bare = AmqpMessage & { body?: unknown };

/** Changes properties or application properties; the body stays as it is. */
function rewriteBare(bare: Uint8Array, change: (message: Bare) => Bare): Buffer {
  const sections = sectionsOf(Buffer.from(bare));
  const isMeta = ({ code }: Slice) => code === properties || code === applicationProperties;
  const meta = messages.decode(Buffer.concat(sections.filter(isMeta).map(({ bytes }) => bytes)));
  const { message_annotations: _annotations, ...changed } = change(meta);
  const encoded = sectionsOf(messages.encode({ ...changed, body: null })).filter(isMeta);
  const rest = sections.filter((section) => !isMeta(section));
  return Buffer.concat([...encoded, ...rest].map(({ bytes }) => bytes));
}

/** Merges into the application properties, where receivers find what a settlement modified. */
export function withProperties(bare: Uint8Array, added: Record<string, unknown>): Buffer {
  return rewriteBare(bare, (message) => ({
    ...message,
    application_properties: { ...message.application_properties, ...added },
  }));
}

export function withDeadLetterReason(bare: Uint8Array, { reason, description }: DeadLetterReason): Buffer {
  return withProperties(bare, { DeadLetterReason: reason, DeadLetterErrorDescription: description });
}

/** A message as a receiver gets it; `lockedUntil` only where it is locked. */
export function writeMessage(message: StoredMessage | Delivery, content: MessageContent): Buffer {
  const writer = new types.Writer();
  const ttl = content.ttl === null ? {} : { ttl: content.ttl };
  writer.write(messages.header({ delivery_count: message.deliveryCount, ...ttl }).described());
  const own = content.annotations === null ? [] : pairsIn(content.annotations);
  const annotations: Record<string, unknown> = {
    'x-opt-sequence-number': wrap.long(message.sequenceNumber),
    'x-opt-enqueued-time': wrap.timestamp(message.enqueuedAt),
    'x-opt-enqueue-sequence-number': wrap.long(0),
    'x-opt-message-state': wrap.int(message.state === 'deferred' ? 1 : message.wasScheduled ? 2 : 0),
  };
  if ('lockedUntil' in message) annotations['x-opt-locked-until'] = wrap.timestamp(message.lockedUntil);
  if (message.scheduledFor !== null) {
    annotations['x-opt-scheduled-enqueue-time'] = wrap.timestamp(message.scheduledFor);
  }
  writer.write(
    types.described(wrap.ulong(messageAnnotations), mapOf([...own, ...symbolicPairs(annotations)])),
  );
  return Buffer.concat([writer.toBuffer(), content.bare]);
}

/** A lock token as the delivery tag holds it: a .NET GUID, its first three groups in little-endian order. */
export function lockTokenToTag(token: string): Buffer {
  return swapped(Buffer.from(token.replaceAll('-', ''), 'hex'));
}

/** The 16 bytes of an AMQP uuid, in the order of its text. */
export function uuidToLockToken(uuid: Uint8Array): string {
  const hex = Buffer.from(uuid).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function lockTokenToUuid(token: string): Buffer {
  return Buffer.from(token.replaceAll('-', ''), 'hex');
}

function swapped(bytes: Buffer): Buffer {
  return Buffer.from(
    [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].map((index) => bytes[index] ?? 0),
  );
}

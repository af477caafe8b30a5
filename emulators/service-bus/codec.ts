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
 * A message stays bytes: it is split into its sections by their lengths, and only the header and the annotations are
 * encoded anew for a receiver, because some of their fields belong to the broker. The bare message, which is everything
 * from the properties on, keeps the encoding of its sender.
 */

const deliveryAnnotations = 0x71;
const messageAnnotations = 0x72;
const properties = 0x73;
const applicationProperties = 0x74;
const dataSection = 0x75;
const smallUlong = 0x53;

/** Annotations that only the broker writes. Those of a sender are dropped. */
const brokerAnnotations: ReadonlySet<unknown> = new Set([
  'x-opt-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-enqueue-sequence-number',
  'x-opt-message-state',
  'x-opt-locked-until',
  'x-opt-scheduled-enqueue-time',
]);

/** The format of a transfer that holds several messages, each in a data section of an envelope. */
export const batchFormat = 0x80013700;

/** A section of a message, and the code of its descriptor. */
type Slice = { code: number; bytes: Buffer };

function splitSections(bytes: Buffer): Slice[] {
  const reader = new types.Reader(bytes);
  const slices: Slice[] = [];
  while (reader.remaining() > 0) {
    const start = reader.position;
    const { descriptor } = reader.read();
    slices.push({ code: descriptor.value, bytes: bytes.subarray(start, reader.position) });
  }
  return slices;
}

/** The messages of one transfer, which may be a batch. */
export function parseTransfer(bytes: Buffer, format: number): IncomingMessage[] {
  if (format !== batchFormat) return [parseMessage(bytes)];
  return splitSections(bytes)
    .filter(({ code }) => code === dataSection)
    .map(({ bytes: section }) => types.unwrap(new types.Reader(section).read()) as Uint8Array)
    .map((message) => parseMessage(Buffer.from(message)));
}

/** Decodes the sections before the body of a message whose end may be missing. */
export function parseHead(bytes: Buffer): AmqpMessage {
  const reader = new types.Reader(bytes);
  while (reader.remaining() > 0 && codeAt(bytes, reader.position) <= applicationProperties) reader.read();
  return messages.decode(bytes.subarray(0, reader.position));
}

/** The code of the section that begins at a position: its descriptor is a small ulong. */
function codeAt(bytes: Buffer, position: number): number {
  return bytes[position] === 0 && bytes[position + 1] === smallUlong ? (bytes[position + 2] ?? NaN) : NaN;
}

export function parseMessage(bytes: Buffer): IncomingMessage {
  const sections = splitSections(bytes);
  const known = sections.filter(({ code }) => code <= applicationProperties);
  const decoded = messages.decode(Buffer.concat(known.map((section) => section.bytes)));
  const scheduled = decoded.message_annotations?.['x-opt-scheduled-enqueue-time'];
  // The client cannot settle a message without an ID.
  const ownId = decoded.message_id === undefined ? randomUUID() : undefined;
  const bare = Buffer.concat(
    sections.filter(({ code }) => code >= properties).map((section) => section.bytes),
  );
  return {
    messageId: ownId ?? messageIdToText(decoded.message_id),
    sessionId: decoded.group_id ?? null,
    scheduledFor: scheduled === undefined ? null : Number(scheduled),
    content: {
      ttl: decoded.ttl ?? null,
      head: concatOrNull(sections.filter(isSenderHead(decoded))),
      annotations: encodeSenderAnnotations(sections),
      bare: ownId === undefined ? bare : rewriteBare(bare, (message) => ({ ...message, message_id: ownId })),
    },
  };
}

function messageIdToText(id: unknown): string {
  return id instanceof Uint8Array ? Buffer.from(id).toString('hex') : String(id);
}

/** Selects the sections before the message annotations that say more than a time to live and a delivery count. */
function isSenderHead({ durable, priority, first_acquirer }: AmqpMessage): (section: Slice) => boolean {
  const hasFields = [durable, priority, first_acquirer].some((field) => field !== undefined);
  return ({ code }) => code === deliveryAnnotations || (hasFields && code < deliveryAnnotations);
}

function concatOrNull(sections: readonly Slice[]): Uint8Array | null {
  return sections.length === 0 ? null : Buffer.concat(sections.map(({ bytes }) => bytes));
}

/** The sender's annotations as an encoded map, without those of the broker; null when there are none. */
function encodeSenderAnnotations(sections: readonly Slice[]): Uint8Array | null {
  const section = sections.find(({ code }) => code === messageAnnotations);
  const pairs = section === undefined ? [] : parsePairs(section.bytes);
  const own = pairs.filter((_, index) => !brokerAnnotations.has(pairs[index - (index % 2)]?.value));
  return own.length === 0 ? null : encode(mapOf(own));
}

/** The keys and values of an encoded map, in turn, with their types. */
function parsePairs(bytes: Uint8Array): Typed[] {
  const { value } = new types.Reader(Buffer.from(bytes)).read();
  return Array.isArray(value) ? (value as Typed[]) : [];
}

function encode(value: unknown): Buffer {
  const writer = new types.Writer();
  writer.write(value);
  return writer.toBuffer();
}

type Bare = AmqpMessage & { body?: unknown };

/** Changes properties or application properties. The body keeps its bytes. */
function rewriteBare(bare: Uint8Array, change: (message: Bare) => Bare): Buffer {
  const sections = splitSections(Buffer.from(bare));
  const isMeta = ({ code }: Slice) => code === properties || code === applicationProperties;
  const meta = messages.decode(Buffer.concat(sections.filter(isMeta).map(({ bytes }) => bytes)));
  const { message_annotations: _annotations, ...changed } = change(meta);
  const encoded = splitSections(messages.encode({ ...changed, body: null })).filter(isMeta);
  const rest = sections.filter((section) => !isMeta(section));
  return Buffer.concat([...encoded, ...rest].map(({ bytes }) => bytes));
}

/** Adds application properties. Service Bus puts the "properties to modify" of a settlement there, too. */
export function withProperties(bare: Uint8Array, added: Record<string, unknown>): Buffer {
  return rewriteBare(bare, (message) => ({
    ...message,
    application_properties: { ...message.application_properties, ...added },
  }));
}

export function withDeadLetterReason(bare: Uint8Array, { reason, description }: DeadLetterReason): Buffer {
  return withProperties(bare, { DeadLetterReason: reason, DeadLetterErrorDescription: description });
}

/** Encodes a message for a receiver. A peeked message is no delivery and has no lock. */
export function writeMessage(message: StoredMessage | Delivery, content: MessageContent): Buffer {
  const own = content.annotations === null ? [] : parsePairs(content.annotations);
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
  const map = mapOf([...own, ...symbolicPairs(annotations)]);
  const encoded = encode(types.described(wrap.ulong(messageAnnotations), map));
  return Buffer.concat([...encodeHead(message.deliveryCount, content), encoded, content.bare]);
}

/** The header, with the sender's fields and those of the broker, and the sender's delivery annotations. */
function encodeHead(deliveryCount: number, { ttl, head }: MessageContent): Uint8Array[] {
  const sections = head === null ? [] : splitSections(Buffer.from(head));
  const sent = head === null ? {} : messages.decode(Buffer.from(head));
  const { durable, priority, first_acquirer } = sent;
  const header = { durable, priority, first_acquirer, ttl, delivery_count: deliveryCount };
  return [
    encode(messages.header(header).described()),
    ...sections.filter(({ code }) => code === deliveryAnnotations).map(({ bytes }) => bytes),
  ];
}

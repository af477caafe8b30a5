/** A message without its content. Times are in milliseconds since 1970. */
export type StoredMessage = {
  sequenceNumber: number;
  messageId: string;
  sessionId: string | null;
  state: 'active' | 'deferred' | 'scheduled';
  deliveryCount: number;
  enqueuedAt: number;
  scheduledFor: number | null;
  expiresAt: number | null;
  /** Stays true after the message became active: its annotations still report the state "scheduled". */
  wasScheduled: boolean;
};

/** The sections of a message that are stored in the encoding of the sender. */
export type MessageContent = {
  /** In milliseconds. */
  ttl: number | null;
  /** The header and the delivery annotations; null when they say nothing but the time to live. */
  head: Uint8Array | null;
  annotations: Uint8Array | null;
  /** The properties and everything after them. */
  bare: Uint8Array;
};

/** A message as a client sends it. */
export type IncomingMessage = {
  messageId: string;
  sessionId: string | null;
  scheduledFor: number | null;
  content: MessageContent;
};

/** A message as a receiver gets it. */
export type Delivery = StoredMessage & { lockToken: string; lockedUntil: number };

export type ReceiveMode = 'peekLock' | 'receiveAndDelete';

export type DeadLetterReason = { reason: string; description: string };

/** A message as it arrives in a queue, before it has a number. */
export function toNewMessage(
  { messageId, sessionId, scheduledFor, content }: IncomingMessage,
  now: number,
  defaultTimeToLiveSeconds = Infinity,
): Omit<StoredMessage, 'sequenceNumber'> {
  const isScheduled = scheduledFor !== null && scheduledFor > now;
  const timeToLive = Math.min(content.ttl ?? Infinity, defaultTimeToLiveSeconds * 1_000);
  return {
    messageId,
    sessionId,
    state: isScheduled ? 'scheduled' : 'active',
    deliveryCount: 0,
    enqueuedAt: now,
    scheduledFor: isScheduled ? scheduledFor : null,
    expiresAt: Number.isFinite(timeToLive) ? (isScheduled ? scheduledFor : now) + timeToLive : null,
    wasScheduled: isScheduled,
  };
}

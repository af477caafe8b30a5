import { messages, wrap, type AmqpMessage } from './amqp.ts';
import { parseMessage, writeMessage } from './codec.ts';
import { toRefusal } from './links.ts';
import { lockTokenToUuid, uuidToLockToken } from './lockToken.ts';
import type { Queue } from './queue.ts';
import { refusals } from './serviceBusError.ts';
import { parseDisposition, settleMessage } from './settlement.ts';

type Body = Record<string, unknown>;

/** AMQP type codes of array elements. */
const longCode = 0x81;
const timestampCode = 0x83;
/** The value of receiver-settle-mode that the client calls receiveAndDelete. */
const settledFirst = 0;
/** Azure returns at most 250 messages for one peek. */
const maxPeeked = 250;

const operations: Record<string, (queue: Queue, body: Body) => object | undefined> = {
  'com.microsoft:renew-lock'(queue, body) {
    const expirations = toLockTokens(body).map((token) => queue.locks.renew(token));
    return { expirations: wrap.array(expirations, timestampCode) };
  },
  'com.microsoft:peek-message'(queue, body) {
    const sessionId = body['session-id'];
    const found = queue.messages.peek(
      toNumber(body['from-sequence-number']),
      Math.min(toNumber(body['message-count']), maxPeeked),
      typeof sessionId === 'string' ? sessionId : undefined,
    );
    if (found.length === 0) return undefined;
    const encoded = found.map((message) =>
      writeMessage(message, queue.messages.content(message.sequenceNumber)),
    );
    return { messages: encoded.map((bytes) => ({ message: wrap.binary(bytes) })) };
  },
  'com.microsoft:schedule-message'(queue, body) {
    const incoming = toList<{ message: Uint8Array }>(body['messages']).map(({ message }) =>
      parseMessage(Buffer.from(message)),
    );
    return { 'sequence-numbers': wrap.array(queue.send(incoming), longCode) };
  },
  'com.microsoft:cancel-scheduled-message'(queue, body) {
    queue.cancelScheduled(toList(body['sequence-numbers']).map(toNumber));
    return {};
  },
  'com.microsoft:receive-by-sequence-number'(queue, body) {
    const sessionId = body['session-id'];
    const session = typeof sessionId === 'string' ? queue.sessions.getHeld(sessionId) : undefined;
    const mode = body['receiver-settle-mode'] === settledFirst ? 'receiveAndDelete' : 'peekLock';
    const found = queue.deliverDeferred(toList(body['sequence-numbers']).map(toNumber), mode, session);
    const received = found.map((delivery) => ({
      'lock-token': wrap.uuid(lockTokenToUuid(delivery.lockToken)),
      message: wrap.binary(writeMessage(delivery, queue.messages.content(delivery.sequenceNumber))),
    }));
    if (mode === 'receiveAndDelete') for (const delivery of found) queue.deleteDelivered(delivery);
    return { messages: received };
  },
  'com.microsoft:update-disposition'(queue, body) {
    for (const token of toLockTokens(body)) settleMessage(queue, token, parseDisposition(body));
    return {};
  },
  'com.microsoft:renew-session-lock': (queue, body) => ({
    expiration: wrap.timestamp(queue.sessions.renew(String(body['session-id']))),
  }),
  'com.microsoft:set-session-state'(queue, body) {
    const state = body['session-state'];
    queue.sessions.setState(String(body['session-id']), state instanceof Uint8Array ? state : undefined);
    return {};
  },
  'com.microsoft:get-session-state'(queue, body) {
    const state = queue.sessions.getState(String(body['session-id']));
    return { 'session-state': state === undefined ? null : wrap.binary(state) };
  },
};

/** Answers a request that exceeds the limit. Its properties are known, because they come before its body. */
export function refuseTooLarge(request: AmqpMessage, limit: number): Buffer {
  const { status, message, condition } = refusals.messageTooLarge(limit);
  return reply(request, status, message, {}, condition);
}

/** Handles a request to the management node of a queue and returns the encoded answer. */
export function handleRequest(queue: Queue, request: AmqpMessage): Buffer {
  const name = String(request.application_properties?.['operation'] ?? '');
  try {
    const operation = operations[name];
    if (operation === undefined) throw refusals.notImplemented(name);
    const answer = operation(queue, (request.body ?? {}) as Body);
    return reply(request, answer === undefined ? 204 : 200, 'OK', answer ?? {});
  } catch (error) {
    const refusal = toRefusal(error);
    return reply(request, refusal.status, refusal.message, {}, refusal.condition);
  }
}

function reply(
  request: AmqpMessage,
  status: number,
  description: string,
  body: object,
  condition?: string,
): Buffer {
  return messages.encode({
    correlation_id: request.message_id,
    application_properties: {
      statusCode: wrap.int(status),
      statusDescription: description,
      ...(condition !== undefined && { errorCondition: wrap.symbol(condition) }),
    },
    body,
  });
}

function toLockTokens(body: Body): string[] {
  return toList<Uint8Array>(body['lock-tokens']).map(uuidToLockToken);
}

function toList<Item = unknown>(value: unknown): Item[] {
  if (!Array.isArray(value)) throw refusals.badRequest('a list was expected');
  return value as Item[];
}

/** rhea decodes a small long as a number, and a large one as eight big-endian bytes. */
function toNumber(value: unknown): number {
  return value instanceof Uint8Array ? Number(Buffer.from(value).readBigInt64BE()) : Number(value);
}

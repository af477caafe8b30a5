import { messages, wrap, type AmqpMessage } from './amqp.ts';
import { lockTokenOfUuid, readMessage, uuidOfLockToken, withProperties, writeMessage } from './codec.ts';
import type { Entity } from './entity.ts';
import { asRefusal } from './links.ts';
import { refusals } from './serviceBusError.ts';

type Body = Record<string, unknown>;

/** AMQP type codes of array elements. */
const longCode = 0x81;
const timestampCode = 0x83;
/** The receiver's mode that the client names receiveAndDelete. */
const settledFirst = 0;
/** Azure gives at most so many messages a peek. */
const peekAtMost = 250;

const operations: Record<string, (entity: Entity, body: Body) => object | undefined> = {
  'com.microsoft:renew-lock'(entity, body) {
    const expirations = tokensOf(body).map((token) => entity.renew(token));
    return { expirations: wrap.array(expirations, timestampCode) };
  },
  'com.microsoft:peek-message'(entity, body) {
    const sessionId = body['session-id'];
    const found = entity.peek(
      numberOf(body['from-sequence-number']),
      Math.min(numberOf(body['message-count']), peekAtMost),
      typeof sessionId === 'string' ? sessionId : undefined,
    );
    if (found.length === 0) return undefined;
    const encoded = found.map((message) => writeMessage(message, entity.content(message.sequenceNumber)));
    return { messages: encoded.map((bytes) => ({ message: wrap.binary(bytes) })) };
  },
  'com.microsoft:schedule-message'(entity, body) {
    const incoming = listOf<{ message: Uint8Array }>(body['messages']).map(({ message }) =>
      readMessage(Buffer.from(message)),
    );
    return { 'sequence-numbers': wrap.array(entity.send(incoming), longCode) };
  },
  'com.microsoft:cancel-scheduled-message'(entity, body) {
    entity.cancelScheduled(listOf(body['sequence-numbers']).map(numberOf));
    return {};
  },
  'com.microsoft:receive-by-sequence-number'(entity, body) {
    const session = body['session-id'];
    const hold = typeof session === 'string' ? entity.heldSession(session) : undefined;
    const forGood = body['receiver-settle-mode'] === settledFirst;
    const found = entity.receiveDeferred(listOf(body['sequence-numbers']).map(numberOf), hold, forGood);
    const received = found.map((delivery) => ({
      'lock-token': wrap.uuid(uuidOfLockToken(delivery.lockToken)),
      message: wrap.binary(writeMessage(delivery, entity.content(delivery.sequenceNumber))),
    }));
    if (forGood) for (const delivery of found) entity.deliveredForGood(delivery);
    return { messages: received };
  },
  'com.microsoft:update-disposition'(entity, body) {
    for (const token of tokensOf(body)) updateDisposition(entity, token, body);
    return {};
  },
  'com.microsoft:renew-session-lock': (entity, body) => ({
    expiration: wrap.timestamp(entity.renewSession(String(body['session-id']))),
  }),
  'com.microsoft:set-session-state'(entity, body) {
    const state = body['session-state'];
    entity.setSessionState(String(body['session-id']), state instanceof Uint8Array ? state : undefined);
    return {};
  },
  'com.microsoft:get-session-state'(entity, body) {
    const state = entity.sessionState(String(body['session-id']));
    return { 'session-state': state === undefined ? null : wrap.binary(state) };
  },
};

function updateDisposition(entity: Entity, token: string, body: Body): void {
  const modified = body['properties-to-modify'] as Record<string, unknown> | undefined;
  const bare =
    modified === undefined ? undefined : withProperties(entity.content(entity.locked(token)).bare, modified);
  switch (body['disposition-status']) {
    case 'completed':
      return entity.complete(token);
    case 'abandoned':
      return entity.abandon(token, bare);
    // The client spells it with one r.
    case 'defered':
      return entity.defer(token, bare);
    case 'suspended': {
      const reason = String(body['deadletter-reason'] ?? '');
      return entity.deadLetter(
        token,
        { reason, description: String(body['deadletter-description'] ?? '') },
        bare,
      );
    }
    default:
      throw refusals.badRequest(`disposition-status: ${String(body['disposition-status'])}`);
  }
}

/** Answers a request that was too large to be kept: its properties came before its body. */
export function refuseTooLarge(request: AmqpMessage, limit: number): Buffer {
  const { status, message, condition } = refusals.messageTooLarge(limit);
  return reply(request, status, message, {}, condition);
}

/** Carries out a request to `{entity}/$management` and gives the encoded answer. */
export function manage(entity: Entity, request: AmqpMessage): Buffer {
  const name = String(request.application_properties?.['operation'] ?? '');
  try {
    const operation = operations[name];
    if (operation === undefined) throw refusals.notImplemented(name);
    const answer = operation(entity, (request.body ?? {}) as Body);
    return reply(request, answer === undefined ? 204 : 200, 'OK', answer ?? {});
  } catch (error) {
    const refusal = asRefusal(error);
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
      ...(condition === undefined ? {} : { errorCondition: wrap.symbol(condition) }),
    },
    body,
  });
}

function tokensOf(body: Body): string[] {
  return listOf<Uint8Array>(body['lock-tokens']).map(lockTokenOfUuid);
}

function listOf<Item = unknown>(value: unknown): Item[] {
  if (!Array.isArray(value)) throw refusals.badRequest('a list was expected');
  return value as Item[];
}

/** Small longs come as numbers, large ones as eight big-endian bytes. */
function numberOf(value: unknown): number {
  return value instanceof Uint8Array ? Number(Buffer.from(value).readBigInt64BE()) : Number(value);
}

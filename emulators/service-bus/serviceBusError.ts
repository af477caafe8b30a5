/** A refusal, with the AMQP condition that the official client recognises and the status for management replies. */
export class ServiceBusRefusal extends Error {
  override readonly name = 'ServiceBusRefusal';
  readonly condition: string;
  readonly status: number;

  constructor(condition: string, status: number, description: string) {
    super(description);
    this.condition = condition;
    this.status = status;
  }
}

export const refusals = {
  messageLockLost: () =>
    new ServiceBusRefusal(
      'com.microsoft:message-lock-lost',
      410,
      'The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.',
    ),
  sessionLockLost: () =>
    new ServiceBusRefusal('com.microsoft:session-lock-lost', 410, 'The session lock has expired.'),
  sessionCannotBeLocked: (session: string) =>
    new ServiceBusRefusal(
      'com.microsoft:session-cannot-be-locked',
      410,
      `The requested session '${session}' cannot be accepted. It may be locked by another receiver.`,
    ),
  timeout: () => new ServiceBusRefusal('com.microsoft:timeout', 408, 'No session became available in time.'),
  messageNotFound: () =>
    new ServiceBusRefusal(
      'com.microsoft:message-not-found',
      404,
      'The message is not there, or not in that state.',
    ),
  messageTooLarge: (limit: number) =>
    new ServiceBusRefusal(
      'amqp:link:message-size-exceeded',
      400,
      `The message is larger than ${limit} bytes.`,
    ),
  deadLetterOfDeadLetters: () =>
    new ServiceBusRefusal(
      'amqp:not-allowed',
      400,
      'A message of a dead-letter queue cannot be dead-lettered; it is available again.',
    ),
  sendToDeadLetters: () =>
    new ServiceBusRefusal('amqp:not-allowed', 400, 'Messages cannot be sent to a dead-letter queue.'),
  noSessionId: () =>
    new ServiceBusRefusal(
      'amqp:not-allowed',
      400,
      'The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have session' +
        ' support enabled can only receive messages that have the SessionId set to a valid value.',
    ),
  sessionRequired: () =>
    new ServiceBusRefusal(
      'amqp:not-allowed',
      400,
      'It is not possible for an entity that requires sessions to create a non-sessionful message receiver.',
    ),
  noSessions: () =>
    new ServiceBusRefusal(
      'amqp:not-allowed',
      400,
      'A sessionful message receiver cannot be created on an entity that does not require sessions.',
    ),
  entityNotFound: (path: string) =>
    new ServiceBusRefusal(
      'amqp:not-found',
      404,
      `The messaging entity 'sb://127.0.0.1/${path}' could not be found.`,
    ),
  notImplemented: (what: string) =>
    new ServiceBusRefusal('amqp:not-implemented', 501, `${what} is not implemented.`),
  badRequest: (what: string) => new ServiceBusRefusal('com.microsoft:argument-error', 400, what),
  unauthorized: () => new ServiceBusRefusal('amqp:unauthorized-access', 401, 'The token is not valid.'),
} as const;

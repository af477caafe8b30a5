import type { RheaContext } from './amqp.ts';
import type { Client } from './client.ts';
import { echoAttach, getOutgoingLink, toRefusal, type OutgoingLink } from './links.ts';
import type { Queue } from './queue.ts';
import { Receiver } from './receiver.ts';
import { refusals, type ServiceBusRefusal } from './serviceBusError.ts';
import { sessionFilter, SessionReceiver } from './sessionReceiver.ts';

/** The queues and their dead-letter queues, by address in lower case. */
export type Queues = ReadonlyMap<string, Queue>;

/** The largest message or batch of the standard tier, in bytes. */
export const maxMessageSize = 262_144;
/** The number of messages that a client may send without an answer. */
const sendCredit = 1_000;
const managementSuffix = '/$management';

export function getAddress(terminus: { address?: string | null } | null): string {
  return terminus?.address ?? '';
}

export function isManagement(address: string): boolean {
  return address.toLowerCase().endsWith(managementSuffix);
}

/** The queue of an address, which may be that of its management node. */
export function findQueue(queues: Queues, address: string): Queue | undefined {
  const name = isManagement(address) ? address.slice(0, -managementSuffix.length) : address;
  return queues.get(name.toLowerCase());
}

/** Attaches a link on which the client sends messages to a queue, or requests to `$cbs` or a management node. */
export function attachIncoming({ receiver: link }: RheaContext, client: Client, queues: Queues): void {
  if (link === undefined) return;
  const refusal = refuseIncoming(getAddress(link.target), client, queues);
  if (refusal !== undefined)
    return link.close({ condition: refusal.condition, description: refusal.message });
  echoAttach(link);
  link.local.attach['max_message_size'] = maxMessageSize;
  link.add_credit(sendCredit);
}

function refuseIncoming(address: string, client: Client, queues: Queues): ServiceBusRefusal | undefined {
  if (address === '$cbs') return undefined;
  if (!client.isAuthorized) return refusals.unauthorized();
  const queue = findQueue(queues, address);
  if (queue === undefined) return refusals.entityNotFound(address);
  if (queue.deadLetters === undefined && !isManagement(address)) return refusals.sendToDeadLetters();
  return undefined;
}

/** Attaches a link on which the client receives from a queue or session, or replies of `$cbs` or a management node. */
export function attachOutgoing(
  context: RheaContext,
  client: Client,
  queues: Queues,
  now: () => number,
): void {
  const outgoing = getOutgoingLink(context);
  const address = getAddress(outgoing.link.source);
  if (address === '$cbs') return attachReplies(outgoing, client);
  if (!client.isAuthorized) return outgoing.refuse(refusals.unauthorized());
  const queue = findQueue(queues, address);
  if (queue === undefined) return outgoing.refuse(refusals.entityNotFound(address));
  if (isManagement(address)) return attachReplies(outgoing, client);
  try {
    client.addReceiver(attachReceiver(outgoing, queue, now));
  } catch (error) {
    outgoing.refuse(toRefusal(error));
  }
}

function attachReplies(outgoing: OutgoingLink, client: Client): void {
  echoAttach(outgoing.link);
  client.replyLinks.set(outgoing.link.name, outgoing);
  outgoing.attach();
  outgoing.sendFlow();
}

/** @throws ServiceBusRefusal when the queue and the receiver do not agree on sessions, or the session is not free */
function attachReceiver(outgoing: OutgoingLink, queue: Queue, now: () => number): Receiver {
  const filter = (outgoing.link.source?.filter ?? {}) as Record<string, unknown>;
  const isSessionReceiver = sessionFilter in filter;
  if (isSessionReceiver !== queue.description.requiresSession)
    throw isSessionReceiver ? refusals.noSessions() : refusals.sessionRequired();
  if (!isSessionReceiver) {
    echoAttach(outgoing.link);
    outgoing.attach();
    return new Receiver(outgoing, queue);
  }
  const receiver = new SessionReceiver(outgoing, queue, now);
  // A filter without a value accepts the next session that is ready. The empty string names a session.
  const sessionId = filter[sessionFilter] ?? undefined;
  if (sessionId === undefined) receiver.waitForNext();
  else receiver.hold(String(sessionId));
  return receiver;
}

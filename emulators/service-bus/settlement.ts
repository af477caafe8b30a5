import type { RheaDelivery } from './amqp.ts';
import { withProperties } from './codec.ts';
import type { DeadLetterReason } from './message.ts';
import type { Queue } from './queue.ts';
import { refusals } from './serviceBusError.ts';

/** What a client decides about a locked message. */
export type Settlement =
  | { as: 'completed' }
  | { as: 'abandoned'; propertiesToModify: unknown }
  | { as: 'deferred'; propertiesToModify: unknown }
  | { as: 'deadLettered'; propertiesToModify: unknown; reason: DeadLetterReason };

/** @throws ServiceBusRefusal when the lock is lost, or the queue refuses */
export function settleMessage(queue: Queue, lockToken: string, settlement: Settlement): void {
  if (settlement.as === 'completed') return queue.complete(lockToken);
  const bare = modifyMessage(queue, lockToken, settlement.propertiesToModify);
  if (settlement.as === 'abandoned') return queue.abandon(lockToken, bare);
  if (settlement.as === 'deadLettered') return queue.deadLetter(lockToken, settlement.reason, bare);
  queue.defer(lockToken, bare);
}

/** Merges properties to modify into the application properties; undefined when there are none. */
function modifyMessage(queue: Queue, lockToken: string, properties: unknown): Uint8Array | undefined {
  if (typeof properties !== 'object' || properties === null || Object.keys(properties).length === 0)
    return undefined;
  const { bare } = queue.messages.content(queue.locks.getMessage(lockToken).sequenceNumber);
  return withProperties(bare, properties as Record<string, unknown>);
}

/** The settlement that the outcome of a delivery means. */
export function parseOutcome(outcome: string, state: RheaDelivery['remote_state']): Settlement {
  switch (outcome) {
    case 'accepted':
      return { as: 'completed' };
    case 'released':
      return { as: 'abandoned', propertiesToModify: undefined };
    case 'modified': {
      const as = state?.['undeliverable_here'] === true ? 'deferred' : 'abandoned';
      return { as, propertiesToModify: state?.['message_annotations'] };
    }
    case 'rejected': {
      const info = (state?.error?.info ?? {}) as Record<string, unknown>;
      const { DeadLetterReason, DeadLetterErrorDescription, ...propertiesToModify } = info;
      const reason = toReason(DeadLetterReason, DeadLetterErrorDescription);
      return { as: 'deadLettered', propertiesToModify, reason };
    }
    default:
      throw refusals.notImplemented(outcome);
  }
}

/** The settlement that a management request "update-disposition" means. */
export function parseDisposition(body: Record<string, unknown>): Settlement {
  const propertiesToModify = body['properties-to-modify'];
  switch (body['disposition-status']) {
    case 'completed':
      return { as: 'completed' };
    case 'abandoned':
      return { as: 'abandoned', propertiesToModify };
    // The client spells this status with one r.
    case 'defered':
      return { as: 'deferred', propertiesToModify };
    case 'suspended': {
      const reason = toReason(body['deadletter-reason'], body['deadletter-description']);
      return { as: 'deadLettered', propertiesToModify, reason };
    }
    default:
      throw refusals.badRequest(`disposition-status: ${String(body['disposition-status'])}`);
  }
}

function toReason(reason: unknown, description: unknown): DeadLetterReason {
  return { reason: String(reason ?? ''), description: String(description ?? '') };
}

import type { RheaDelivery, RheaLink } from './amqp.ts';
import { writeMessage } from './codec.ts';
import { settle, toRefusal, type OutgoingLink } from './links.ts';
import { lockTokenToTag } from './lockToken.ts';
import type { ReceiveMode } from './message.ts';
import type { Queue } from './queue.ts';
import type { HeldSession } from './sessions.ts';
import { parseOutcome, settleMessage } from './settlement.ts';

/** The value of snd-settle-mode by which a receiver asks for mode receiveAndDelete. */
const settledBySender = 1;

/** A receiver of a queue: from the attach of its link to the detach. */
export class Receiver {
  readonly queue: Queue;
  protected readonly outgoing: OutgoingLink;
  readonly #mode: ReceiveMode;
  /** Lock tokens of the deliveries that the client has not settled on this link. */
  readonly #lockTokens = new Map<RheaDelivery, string>();

  constructor(outgoing: OutgoingLink, queue: Queue) {
    this.queue = queue;
    this.outgoing = outgoing;
    const settleMode = outgoing.link.remote.attach?.['snd_settle_mode'];
    this.#mode = settleMode === settledBySender ? 'receiveAndDelete' : 'peekLock';
  }

  get link(): RheaLink {
    return this.outgoing.link;
  }

  /** Sends available messages as far as the credit of the link allows. */
  deliver(): void {
    this.deliverFrom(undefined);
  }

  protected deliverFrom(session: HeldSession | undefined): void {
    const { outgoing, queue } = this;
    if (!outgoing.isAttached()) return;
    while (outgoing.freeCredit() > 0) {
      const delivery = queue.deliver(this.#mode, session);
      if (delivery === undefined) return;
      const bytes = writeMessage(delivery, queue.messages.content(delivery.sequenceNumber));
      const tag = lockTokenToTag(delivery.lockToken);
      const sent = outgoing.send(bytes, tag, this.#mode === 'receiveAndDelete');
      if (this.#mode === 'receiveAndDelete') queue.deleteDelivered(delivery);
      else this.#lockTokens.set(sent, delivery.lockToken);
    }
  }

  /** The client has given credit, or asks to drain what is left of it. */
  flow(): void {
    this.deliver();
    if (this.link._draining) this.outgoing.sendFlow();
  }

  /** The client has reported the outcome of a delivery. */
  settle(outcome: string, delivery: RheaDelivery): void {
    const lockToken = this.#lockTokens.get(delivery);
    if (lockToken === undefined) return;
    this.#lockTokens.delete(delivery);
    try {
      settleMessage(this.queue, lockToken, parseOutcome(outcome, delivery.remote_state));
      settle(delivery);
    } catch (error) {
      settle(delivery, toRefusal(error));
    }
    this.deliver();
  }

  /** The link has ended. Locks outside of sessions outlive it, until they are settled or expire. */
  end(): void {}
}

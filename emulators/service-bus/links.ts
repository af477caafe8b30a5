import { outcomes, type RheaContext, type RheaDelivery, type RheaLink, type RheaSession } from './amqp.ts';
import { ServiceBusRefusal } from './serviceBusError.ts';

/*
 * Where rhea's behaviour is not enough for a broker, it is changed link by link:
 * - a sender link is attached only when `attach` is called, since an accept-next waits until a session is free;
 * - a drain is answered always, also when the last transfer and the drain cross: the client waits for it;
 * - transfers stay bytes, because decoding would lose AMQP types.
 */

/** A private message format: rhea hands over the bytes of everything that is not of format 0. */
const rawFormat = 0x7fff0001;

/** A link on which the broker sends. */
export type OutgoingLink = {
  readonly link: RheaLink;
  /** Credit that no queued delivery uses up yet. */
  freeCredit(): number;
  send(bytes: Buffer, tag: Buffer, settled: boolean): RheaDelivery;
  attach(): void;
  refuse(refusal: ServiceBusRefusal): void;
  close(refusal: ServiceBusRefusal): void;
  isAttached(): boolean;
};

const outgoing = new WeakMap<RheaLink, OutgoingLink>();

/** Prepares a session before its links are attached. Of a message over the limit, no more is kept than shows that. */
export function prepareSession(session: RheaSession, largestMessage: number): void {
  const createSender = session.create_sender.bind(session);
  session.create_sender = (name, options) => {
    const link = createSender(name, options);
    outgoing.set(link, prepareSender(link));
    return link;
  };
  const onTransfer = session.on_transfer.bind(session);
  const heldByLink = new Map<number, number>();
  session.on_transfer = (frame) => {
    const { handle, more } = frame.performative;
    const held = heldByLink.get(handle) ?? 0;
    if (held > largestMessage) frame.payload = undefined;
    if (more === true) heldByLink.set(handle, held + (frame.payload?.length ?? 0));
    else heldByLink.delete(handle);
    if (frame.performative.message_format === 0 || frame.performative.message_format === undefined) {
      frame.performative.message_format = rawFormat;
    }
    onTransfer(frame);
  };
}

function prepareSender(link: RheaLink): OutgoingLink {
  const open = link.open.bind(link);
  let attached = false;
  let issued = 0;
  let drained = 0;
  link.open = () => undefined;
  link._get_drain = () => {
    if (!link._draining) return false;
    link._draining = false;
    drained += link.credit;
    link.delivery_count += link.credit;
    link.credit = 0;
    return true;
  };
  const attach = (): void => {
    if (attached) return;
    attached = true;
    open();
  };
  return {
    link,
    freeCredit: () => link.credit - (issued + drained - link.delivery_count),
    send(bytes, tag, settled) {
      issued += 1;
      const delivery = link.send(bytes, tag, 0);
      // Settled by us: nothing comes back, which also spares the client a wait on a delayed acknowledgement.
      if (settled) delivery.settled = true;
      return delivery;
    },
    attach,
    isAttached: () => attached,
    refuse({ condition, message }) {
      link.local.attach['source'] = undefined;
      attach();
      link.close({ condition, description: message });
    },
    close: ({ condition, message }) => link.close({ condition, description: message }),
  };
}

export function outgoingOf(context: RheaContext): OutgoingLink {
  const found = context.sender === undefined ? undefined : outgoing.get(context.sender);
  if (found === undefined) throw new Error('a link that the broker did not prepare');
  return found;
}

/** Echoes what the client asked for, as it expects of a peer that agrees. */
export function echoAttach(link: RheaLink): void {
  const asked = link.remote.attach;
  for (const field of ['snd_settle_mode', 'rcv_settle_mode']) {
    if (asked?.[field] !== undefined) link.local.attach[field] = asked[field];
  }
  const { source, target } = link;
  if (source !== null) link.set_source({ address: source.address, filter: source.filter });
  if (target !== null) link.set_target({ address: target.address });
}

/** Settles with an outcome. rhea would wait for the client to settle as well, which it never does. */
export function settle(delivery: RheaDelivery, refusal?: ServiceBusRefusal): void {
  const state =
    refusal === undefined
      ? outcomes.accepted()
      : outcomes.rejected({ condition: refusal.condition, description: refusal.message });
  delivery.update(true, state);
  delivery.remote_settled = true;
}

/** What may go wrong for a client is told to it; anything else is a defect of the broker. */
export function asRefusal(error: unknown): ServiceBusRefusal {
  if (error instanceof ServiceBusRefusal) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ServiceBusRefusal('amqp:internal-error', 500, detail);
}

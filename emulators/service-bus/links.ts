import { outcomes, type RheaContext, type RheaDelivery, type RheaLink, type RheaSession } from './amqp.ts';
import { ServiceBusRefusal } from './serviceBusError.ts';

/*
 * The behaviour of rhea that a broker cannot use is changed for each link:
 * - A sender link is attached only when `attach` is called, because accept-next waits until a session is free.
 * - Every drain is answered, also when it crosses the last transfer, because the client waits for the answer.
 * - Transfers stay bytes, because decoding would lose AMQP types.
 */

/** A private message format: rhea decodes only messages of format 0, and hands over the bytes of all others. */
const rawFormat = 0x7fff0001;

/** A link on which the broker sends. */
export type OutgoingLink = {
  readonly link: RheaLink;
  /** Credit that remains after the deliveries that rhea has not written yet, which `credit` of rhea ignores. */
  freeCredit(): number;
  send(bytes: Buffer, tag: Buffer, settled: boolean): RheaDelivery;
  /** Sends the state of the link's credit at once. */
  sendFlow(): void;
  attach(): void;
  refuse(refusal: ServiceBusRefusal): void;
  close(refusal: ServiceBusRefusal): void;
  isAttached(): boolean;
};

const outgoing = new WeakMap<RheaLink, OutgoingLink>();

/**
 * Prepares a session before its links are attached. A message that exceeds the limit is truncated just beyond it, so
 * that it can be refused without being held in memory.
 */
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
      // The client answers no settled delivery, so that its next frame does not wait for a delayed acknowledgement.
      if (settled) delivery.settled = true;
      return delivery;
    },
    sendFlow() {
      link.issue_flow = true;
      link.connection._register();
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

export function getOutgoingLink(context: RheaContext): OutgoingLink {
  const found = context.sender === undefined ? undefined : outgoing.get(context.sender);
  if (found === undefined) throw new Error('a link that the broker did not prepare');
  return found;
}

/** Echoes the settle modes and addresses of the client's attach, as the client expects from a peer that agrees. */
export function echoAttach(link: RheaLink): void {
  const asked = link.remote.attach;
  for (const field of ['snd_settle_mode', 'rcv_settle_mode']) {
    if (asked?.[field] !== undefined) link.local.attach[field] = asked[field];
  }
  const { source, target } = link;
  if (source !== null) link.set_source({ address: source.address, filter: source.filter });
  if (target !== null) link.set_target({ address: target.address });
}

/** Settles a delivery for both sides, because rhea would wait for a settlement that the client never sends. */
export function settle(delivery: RheaDelivery, refusal?: ServiceBusRefusal): void {
  const state =
    refusal === undefined
      ? outcomes.accepted()
      : outcomes.rejected({ condition: refusal.condition, description: refusal.message });
  delivery.update(true, state);
  delivery.remote_settled = true;
}

/** An error that is no refusal is a defect of the broker, which the client gets as an internal error. */
export function toRefusal(error: unknown): ServiceBusRefusal {
  if (error instanceof ServiceBusRefusal) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new ServiceBusRefusal('amqp:internal-error', 500, detail);
}

import { wrap, type RheaContext, type RheaDelivery, type RheaLink } from './amqp.ts';
import { tagOfLockToken, withProperties, writeMessage } from './codec.ts';
import type { Entity, SessionHold } from './entity.ts';
import { asRefusal, echoAttach, settle, type OutgoingLink } from './links.ts';
import { refusals } from './serviceBusError.ts';

/** A receiver of a queue or a session, as long as its link lasts. */
export type ServedReceiver = {
  address: string;
  link: RheaLink;
  /** Delivers what there is, as far as credit goes; gives a waiting session receiver its session. */
  pump(): void;
  /** The client gave credit, or wants what is left of it back. */
  flow(): void;
  /** The client said what became of a delivery. */
  settled(outcome: string, context: RheaContext): void;
  /** The link has ended. */
  gone(): void;
};

const sessionFilter = 'com.microsoft:session-filter';
const settledBySender = 1;
const longestAcceptMs = 60_000;

/** Begins to serve a receiver link; undefined when it was refused. */
export function serveReceiver(
  out: OutgoingLink,
  address: string,
  entity: Entity,
  now: () => number,
): ServedReceiver | undefined {
  const wanted = wantedSession(out.link);
  const { requiresSession } = entity.description;
  if (wanted === undefined && requiresSession) return refused(out, refusals.sessionRequired());
  if (wanted !== undefined && !requiresSession) return refused(out, refusals.noSessions());
  if (wanted === undefined) {
    echoAttach(out.link);
    out.attach();
    return receiverOn(out, address, entity, undefined);
  }
  return serveSession(out, address, entity, wanted, now);
}

function refused(out: OutgoingLink, refusal: ReturnType<(typeof refusals)['noSessions']>): undefined {
  out.refuse(refusal);
  return undefined;
}

/** undefined: no session receiver; null: whichever session is next. */
function wantedSession(link: RheaLink): string | null | undefined {
  const filter = link.source?.filter as Record<string, unknown> | null | undefined;
  if (filter === null || filter === undefined || !(sessionFilter in filter)) return undefined;
  const value = filter[sessionFilter];
  return value === null || value === undefined ? null : String(value);
}

/** A session receiver: attached when it has its session, refused when none comes free in its time. */
function serveSession(
  out: OutgoingLink,
  address: string,
  entity: Entity,
  wanted: string | null,
  now: () => number,
): ServedReceiver | undefined {
  const session: { hold: SessionHold | undefined } = { hold: undefined };
  const receiver = receiverOn(out, address, entity, session);
  const lost = (): void => {
    session.hold = undefined;
    out.close(refusals.sessionLockLost());
  };

  function accept(hold: SessionHold): void {
    session.hold = hold;
    echoAttach(out.link);
    out.link.set_source({ address: out.link.source?.address, filter: { [sessionFilter]: hold.sessionId } });
    out.link.local.attach['properties'] = {
      'com.microsoft:locked-until-utc': wrap.long(ticksOf(hold.lockedUntil)),
    };
    out.attach();
  }

  if (wanted !== null) {
    try {
      accept(entity.acceptSession(wanted, lost));
      return receiver;
    } catch (error) {
      return refused(out, asRefusal(error));
    }
  }
  const timeoutMs = Number(out.link.properties?.['com.microsoft:timeout'] ?? longestAcceptMs);
  let waiting = true;
  const timer = setTimeout(() => {
    waiting = false;
    if (out.link.is_remote_open()) out.refuse(refusals.timeout());
  }, timeoutMs);
  const startedAt = now();
  return {
    ...receiver,
    pump() {
      if (!waiting) return receiver.pump();
      const hold = entity.acceptNextSession(lost);
      if (hold === undefined || now() - startedAt > timeoutMs) return;
      waiting = false;
      clearTimeout(timer);
      accept(hold);
    },
    flow: () => (waiting ? undefined : receiver.flow()),
    gone() {
      waiting = false;
      clearTimeout(timer);
      receiver.gone();
    },
  };
}

/** .NET ticks: 100 ns since the year 1. */
function ticksOf(time: number): number {
  return time * 10_000 + 621_355_968_000_000_000;
}

function receiverOn(
  out: OutgoingLink,
  address: string,
  entity: Entity,
  session: { hold: SessionHold | undefined } | undefined,
): ServedReceiver {
  const { link } = out;
  const tokens = new Map<RheaDelivery, string>();
  const forGood = link.remote.attach?.['snd_settle_mode'] === settledBySender;

  function pump(): void {
    if (!out.isAttached() || (session !== undefined && session.hold === undefined)) return;
    while (out.freeCredit() > 0) {
      const next = entity.deliver(session?.hold, forGood);
      if (next === undefined) return;
      const bytes = writeMessage(next, entity.content(next.sequenceNumber));
      const delivery = out.send(bytes, tagOfLockToken(next.lockToken), forGood);
      if (forGood) entity.deliveredForGood(next);
      else tokens.set(delivery, next.lockToken);
    }
  }

  function settledAs(outcome: string, token: string, delivery: RheaDelivery): void {
    const state = delivery.remote_state;
    switch (outcome) {
      case 'accepted':
        return entity.complete(token);
      case 'released':
        return entity.abandon(token);
      case 'modified': {
        const bare = modified(token, state?.['message_annotations']);
        return state?.['undeliverable_here'] === true
          ? entity.defer(token, bare)
          : entity.abandon(token, bare);
      }
      case 'rejected': {
        const { DeadLetterReason, DeadLetterErrorDescription, ...rest } = infoOf(state);
        const reason = { reason: text(DeadLetterReason), description: text(DeadLetterErrorDescription) };
        return entity.deadLetter(token, reason, modified(token, rest));
      }
      default:
        throw refusals.notImplemented(outcome);
    }
  }

  /** Properties to modify are merged into the application properties. */
  function modified(token: string, properties: unknown): Uint8Array | undefined {
    if (typeof properties !== 'object' || properties === null || Object.keys(properties).length === 0)
      return undefined;
    return withProperties(entity.content(entity.locked(token)).bare, properties as Record<string, unknown>);
  }

  return {
    address,
    link,
    pump,
    flow() {
      pump();
      if (!link._draining) return;
      link.issue_flow = true;
      link.connection._register();
    },
    settled(outcome, { delivery }) {
      const token = delivery === undefined ? undefined : tokens.get(delivery);
      if (delivery === undefined || token === undefined) return;
      tokens.delete(delivery);
      try {
        settledAs(outcome, token, delivery);
        settle(delivery);
      } catch (error) {
        settle(delivery, asRefusal(error));
      }
      pump();
    },
    gone() {
      // Locks of a plain queue outlive the link; a session goes with its holder.
      if (session?.hold !== undefined) entity.releaseSession(session.hold);
      if (session !== undefined) session.hold = undefined;
    },
  };
}

function infoOf(state: RheaDelivery['remote_state']): Record<string, unknown> {
  const info = state?.error?.info;
  return typeof info === 'object' && info !== null ? { ...info } : {};
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

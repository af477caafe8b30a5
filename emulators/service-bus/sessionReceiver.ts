import { wrap } from './amqp.ts';
import { echoAttach, type OutgoingLink } from './links.ts';
import type { Queue } from './queue.ts';
import { Receiver } from './receiver.ts';
import { refusals } from './serviceBusError.ts';
import type { HeldSession } from './sessions.ts';

export const sessionFilter = 'com.microsoft:session-filter';
const defaultAcceptTimeoutMs = 60_000;

/**
 * A receiver of one session.
 *
 * States: waiting for a session, holding one, ended.
 * Transitions: new → holding (`hold`), when the session was named and is free; new → waiting (`waitForNext`), when the
 * client takes any session; waiting → holding, when a session is ready; waiting → ended, when the client's timeout is
 * over; holding → ended, when the lock of the session expires or the link ends.
 *
 * Invariant: the link is attached while the receiver holds a session, not before; a refusal attaches and detaches at
 * once.
 */
export class SessionReceiver extends Receiver {
  readonly #now: () => number;
  #session: HeldSession | undefined;
  #waiting: { timer: NodeJS.Timeout; until: number } | undefined;

  constructor(outgoing: OutgoingLink, queue: Queue, now: () => number) {
    super(outgoing, queue);
    this.#now = now;
  }

  /** @throws ServiceBusRefusal when another receiver holds the session */
  hold(sessionId: string): void {
    this.#attach(this.queue.sessions.accept(sessionId, () => this.#lose()));
  }

  waitForNext(): void {
    const timeoutMs = Number(this.link.properties?.['com.microsoft:timeout'] ?? defaultAcceptTimeoutMs);
    const timer = setTimeout(() => {
      this.#waiting = undefined;
      if (this.link.is_remote_open()) this.outgoing.refuse(refusals.timeout());
    }, timeoutMs);
    this.#waiting = { timer, until: this.#now() + timeoutMs };
  }

  override deliver(): void {
    if (this.#waiting !== undefined) this.#acceptNext(this.#waiting.until);
    if (this.#session !== undefined) this.deliverFrom(this.#session);
  }

  override flow(): void {
    if (this.#waiting === undefined) super.flow();
  }

  /** The session is free for the next holder; its unsettled messages are available again. */
  override end(): void {
    this.#stopWaiting();
    if (this.#session !== undefined) this.queue.releaseSession(this.#session);
    this.#session = undefined;
  }

  #acceptNext(until: number): void {
    if (this.#now() > until) return;
    const session = this.queue.sessions.acceptNext(() => this.#lose());
    if (session === undefined) return;
    this.#stopWaiting();
    this.#attach(session);
  }

  #stopWaiting(): void {
    clearTimeout(this.#waiting?.timer);
    this.#waiting = undefined;
  }

  #attach(session: HeldSession): void {
    this.#session = session;
    const { link } = this;
    echoAttach(link);
    link.set_source({ address: link.source?.address, filter: { [sessionFilter]: session.sessionId } });
    link.local.attach['properties'] = {
      'com.microsoft:locked-until-utc': wrap.long(toTicks(session.lockedUntil)),
    };
    this.outgoing.attach();
  }

  #lose(): void {
    this.#session = undefined;
    this.outgoing.close(refusals.sessionLockLost());
  }
}

/** .NET ticks: units of 100 ns since the year 1. */
function toTicks(time: number): number {
  return time * 10_000 + 621_355_968_000_000_000;
}

import type { Socket } from 'node:net';
import type { RheaConnection, RheaLink } from './amqp.ts';
import type { OutgoingLink } from './links.ts';
import type { Queue } from './queue.ts';
import type { Receiver } from './receiver.ts';
import { refusals } from './serviceBusError.ts';

/** Sessions and links that a client may open without a token. The official client opens one session and two links. */
const maxOpenedBeforeToken = 8;

/**
 * One connection of a client.
 *
 * States: unauthorized → authorized, by a valid token (`authorize`); either → closed.
 * Invariant: an unauthorized client opens few sessions and links, and none but those of `$cbs`.
 */
export class Client {
  /** The links on which the client waits for replies, by their names. */
  readonly replyLinks = new Map<string, OutgoingLink>();
  readonly #connection: RheaConnection;
  readonly #receivers = new Map<RheaLink, Receiver>();
  readonly #onAuthorized: (socket: Socket | undefined) => void;
  #isAuthorized = false;
  #openedBeforeToken = 0;
  /** The number of replies so far, which is the delivery tag of each. */
  #replies = 0;

  constructor(connection: RheaConnection, onAuthorized: (socket: Socket | undefined) => void) {
    this.#connection = connection;
    this.#onAuthorized = onAuthorized;
  }

  get isAuthorized(): boolean {
    return this.#isAuthorized;
  }

  authorize(): void {
    this.#isAuthorized = true;
    this.#onAuthorized(this.#socket);
  }

  /** Counts a session or link that the client opens. False: it was one too many, and the connection is destroyed. */
  mayOpen(): boolean {
    if (this.#isAuthorized) return true;
    this.#openedBeforeToken += 1;
    if (this.#openedBeforeToken <= maxOpenedBeforeToken) return true;
    this.destroy();
    return false;
  }

  addReceiver(receiver: Receiver): void {
    this.#receivers.set(receiver.link, receiver);
    receiver.deliver();
  }

  deliver(queue: Queue): void {
    for (const receiver of this.#receivers.values()) if (receiver.queue === queue) receiver.deliver();
  }

  getReceiver(link: RheaLink | undefined): Receiver | undefined {
    return link === undefined ? undefined : this.#receivers.get(link);
  }

  endReceivers(isEnded: (link: RheaLink) => boolean): void {
    for (const [link, receiver] of this.#receivers) {
      if (!isEnded(link)) continue;
      this.#receivers.delete(link);
      receiver.end();
    }
  }

  /** @throws ServiceBusRefusal when the client has no link of that name */
  reply(linkName: string | undefined, reply: Buffer): void {
    const link = this.replyLinks.get(linkName ?? '');
    if (link === undefined) throw refusals.badRequest('reply-to names no link');
    this.#replies += 1;
    link.send(reply, Buffer.from(String(this.#replies)), true);
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  get #socket(): Socket | undefined {
    return (this.#connection as unknown as { socket?: Socket }).socket;
  }
}

import type { AddressInfo, Socket } from 'node:net';
import rhea from 'rhea';
import { describeFailure } from '../common/failureText.ts';
import { messages, type RheaConnection, type RheaContext, type RheaLink } from './amqp.ts';
import { cbsReply, isValidToken } from './cbs.ts';
import { readHead, readTransfer } from './codec.ts';
import { boundIntake, usualIntake, type Intake, type IntakeLimits } from './intake.ts';
import { serveReceiver, type ServedReceiver } from './deliver.ts';
import type { Entity } from './entity.ts';
import { asRefusal, echoAttach, outgoingOf, prepareSession, settle, type OutgoingLink } from './links.ts';
import { manage, refuseTooLarge } from './management.ts';
import { refusals } from './serviceBusError.ts';

export type ListenerOptions = {
  port: number;
  key: string;
  /** By address in lower case. */
  entities: ReadonlyMap<string, Entity>;
  /** Called after anything that may have changed when the clock is next needed. */
  onActivity: () => void;
  now: () => number;
  intake?: IntakeLimits;
};

/** Standard tier: a message or batch of at most 256 KB. */
const maxMessageSize = 262_144;
const sendCredit = 1_000;

/** Sessions and links that a client may open until it has shown a token; the official one needs a session and two links. */
const openedBeforeToken = 8;

type Client = {
  authorized: boolean;
  /** Sessions and links that it opened before it had shown a token. */
  opened: number;
  /** It has shown a token. */
  authorize(): void;
  replyLinks: Map<string, OutgoingLink>;
  receivers: Set<ServedReceiver>;
};

/** The AMQP face of the broker: which links may be attached to what, and what their transfers mean. */
export async function listen(options: ListenerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { entities, onActivity, intake: limits = usualIntake } = options;
  const container = rhea.create_container();
  const clients = new Map<RheaConnection, Client>();
  const on = (event: string, handler: (context: RheaContext) => void): void => {
    container.on(event, (context: unknown) => {
      handler(context as RheaContext);
      onActivity();
    });
  };
  for (const [address, entity] of entities) {
    entity.onAvailable = () => {
      for (const client of clients.values()) {
        for (const receiver of client.receivers) if (receiver.address === address) receiver.pump();
      }
    };
  }

  let intake: Intake | undefined;
  const clientOf = ({ connection }: RheaContext): Client => {
    const known = clients.get(connection) ?? {
      authorized: false,
      opened: 0,
      authorize() {
        this.authorized = true;
        intake?.letIn(socketOf(connection));
      },
      replyLinks: new Map(),
      receivers: new Set(),
    };
    clients.set(connection, known);
    return known;
  };
  /** A client that opens much without a token loses its connection. */
  const open = (context: RheaContext, then: (client: Client) => void): void => {
    const client = clientOf(context);
    if (!client.authorized) client.opened += 1;
    if (client.authorized || client.opened <= openedBeforeToken) return then(client);
    destroy(context.connection);
  };

  // `session_open` is dispatched before any link of the session is attached.
  on('session_open', (context) => open(context, () => prepareSession(context.session, maxMessageSize)));
  on('receiver_open', (context) => open(context, (client) => openIncoming(context, options, client)));
  on('message', (context) => receive(context, options, clientOf(context)));
  on('sender_open', (context) => open(context, (client) => openOutgoing(context, options, client)));
  on('sender_flow', (context) => {
    const link = context.sender;
    if (link !== undefined && addressOf(link.source) === '$cbs') kick(link);
    for (const receiver of clientOf(context).receivers) if (receiver.link === link) receiver.flow();
  });
  for (const outcome of ['accepted', 'rejected', 'modified', 'released']) {
    on(outcome, (context) => {
      for (const receiver of clientOf(context).receivers) {
        if (receiver.link === context.sender) receiver.settled(outcome, context);
      }
    });
  }
  const forget = (client: Client, isGone: (receiver: ServedReceiver) => boolean): void => {
    for (const receiver of client.receivers) {
      if (!isGone(receiver)) continue;
      client.receivers.delete(receiver);
      receiver.gone();
    }
  };
  on('sender_close', (context) => {
    outgoingOf(context).attach();
    forget(clientOf(context), (receiver) => receiver.link === context.sender);
  });
  // Links of an ended session get no event of their own.
  on('session_close', (context) =>
    forget(clientOf(context), (receiver) => receiver.link.session === context.session),
  );
  // A connection that was closed in good order gives no `disconnected`.
  for (const event of ['connection_close', 'disconnected']) {
    on(event, (context) => {
      forget(clientOf(context), () => true);
      clients.delete(context.connection);
    });
  }
  // Without a listener these are thrown; the link, session or connection is closed by the peer in any case.
  for (const event of ['connection_error', 'session_error', 'sender_error', 'receiver_error']) {
    on(event, () => undefined);
  }
  container.on('protocol_error', (error: unknown) => {
    process.stderr.write(`a client broke the protocol and loses its connection: ${describeFailure(error)}\n`);
  });
  container.on('error', (error: unknown) => {
    process.stderr.write(`a defect of the broker closed a connection: ${describeFailure(error)}\n`);
  });

  const server = container.listen({
    host: '127.0.0.1',
    port: options.port,
    autoaccept: false,
    treat_modified_as_released: false,
    tcp_no_delay: true,
    max_frame_size: limits.frameBytes,
    idle_time_out: 60_000,
    session_buffer_size: 8_192,
    credit_window: 0,
  } as object as Parameters<typeof container.listen>[0]);
  intake = boundIntake(server, limits);
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const connection of clients.keys()) destroy(connection);
      await closed;
    },
  };
}

function socketOf(connection: RheaConnection): Socket | undefined {
  return (connection as unknown as { socket?: Socket }).socket;
}

function destroy(connection: RheaConnection): void {
  socketOf(connection)?.destroy();
}

function addressOf(terminus: { address?: string | null } | null): string {
  return terminus?.address ?? '';
}

/** A client wants to send: to a queue, or requests to `$cbs` or `$management`. */
function openIncoming(context: RheaContext, { entities }: ListenerOptions, client: Client): void {
  const link = context.receiver;
  if (link === undefined) return;
  const address = addressOf(link.target);
  const found = address === '$cbs' || (client.authorized && entities.has(entityOf(address)));
  if (!found) {
    const refusal = client.authorized ? refusals.entityNotFound(address) : refusals.unauthorized();
    link.close({ condition: refusal.condition, description: refusal.message });
    return;
  }
  if (entities.has(address.toLowerCase()) && entities.get(address.toLowerCase())?.deadLetters === undefined) {
    const refusal = refusals.sendToDeadLetters();
    link.close({ condition: refusal.condition, description: refusal.message });
    return;
  }
  echoAttach(link);
  link.local.attach['max_message_size'] = maxMessageSize;
  link.add_credit(sendCredit);
}

function entityOf(address: string): string {
  return address.toLowerCase().replace(/\/\$management$/, '');
}

function receive(context: RheaContext, options: ListenerOptions, client: Client): void {
  const { receiver, delivery } = context;
  if (receiver === undefined || delivery === undefined) return;
  const bytes = context.message as Buffer;
  const address = addressOf(receiver.target);
  receiver.add_credit(1);
  try {
    const isManagement = address.toLowerCase().endsWith('/$management');
    if (bytes.length > maxMessageSize && isManagement) refuseRequest(bytes, client);
    else if (bytes.length > maxMessageSize) throw refusals.messageTooLarge(maxMessageSize);
    else if (address === '$cbs') authorize(bytes, options, client);
    else if (isManagement) answer(bytes, address, options, client);
    else entityAt(options, address).send(readTransfer(bytes, context.format ?? 0));
    settle(delivery);
  } catch (error) {
    settle(delivery, asRefusal(error));
  }
}

function entityAt({ entities }: ListenerOptions, address: string): Entity {
  const entity = entities.get(entityOf(address));
  if (entity === undefined) throw refusals.entityNotFound(address);
  return entity;
}

function authorize(bytes: Buffer, { key, now }: ListenerOptions, client: Client): void {
  const request = messages.decode(bytes);
  const valid = isValidToken(request.body, key, now());
  if (valid) client.authorize();
  replyTo(request.reply_to, client, cbsReply(request, valid));
}

function answer(bytes: Buffer, address: string, options: ListenerOptions, client: Client): void {
  const request = messages.decode(bytes);
  replyTo(request.reply_to, client, manage(entityAt(options, address), request));
}

/** Who asked waits for a reply, and not for what becomes of the transfer. */
function refuseRequest(bytes: Buffer, client: Client): void {
  const request = readHead(bytes);
  replyTo(request.reply_to, client, refuseTooLarge(request, maxMessageSize));
}

let replies = 0;

/** The client names the link of its own on which it waits for the reply. */
function replyTo(name: string | undefined, client: Client, reply: Buffer): void {
  const link = client.replyLinks.get(name ?? '');
  if (link === undefined) throw refusals.badRequest('reply-to names no link');
  replies += 1;
  link.send(reply, Buffer.from(String(replies)), true);
}

/** A client wants to receive: from a queue or a session, or replies of `$cbs` or `$management`. */
function openOutgoing(context: RheaContext, options: ListenerOptions, client: Client): void {
  const out = outgoingOf(context);
  const { link } = out;
  const address = addressOf(link.source);
  const isManagement = address.toLowerCase().endsWith('/$management');
  if (address !== '$cbs' && !client.authorized) return out.refuse(refusals.unauthorized());
  if (address === '$cbs' || isManagement) {
    if (isManagement && !options.entities.has(entityOf(address)))
      return out.refuse(refusals.entityNotFound(address));
    echoAttach(link);
    client.replyLinks.set(link.name, out);
    out.attach();
    kick(link);
    return;
  }
  const entity = options.entities.get(entityOf(address));
  if (entity === undefined) return out.refuse(refusals.entityNotFound(address));
  const receiver = serveReceiver(out, entityOf(address), entity, options.now);
  if (receiver === undefined) return;
  client.receivers.add(receiver);
  receiver.pump();
}

/** A flow of our own on a reply link: otherwise the client's next small write waits for a delayed acknowledgement. */
function kick(link: RheaLink): void {
  link.issue_flow = true;
  link.connection._register();
}

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import rhea from 'rhea';
import { describeFailure } from '../common/failureText.ts';
import type { RheaConnection, RheaContext } from './amqp.ts';
import { attachIncoming, attachOutgoing, getAddress, maxMessageSize } from './attach.ts';
import { Client } from './client.ts';
import { defaultConnectionLimits, limitConnections, type ConnectionLimits } from './connectionLimits.ts';
import { getOutgoingLink, prepareSession } from './links.ts';
import { receiveTransfer, type TransferOptions } from './transfers.ts';

export type ListenerOptions = TransferOptions & {
  port: number;
  /** Called after each event, which may have changed when a queue is due. */
  onActivity: () => void;
  connectionLimits?: ConnectionLimits;
};

type Handler = (context: RheaContext, client: Client, options: ListenerOptions) => void;

/** What the broker does at each event of rhea. */
const handlers: Record<string, Handler> = {
  // rhea emits `session_open` before any link of the session is attached.
  session_open: (context, client) => {
    if (client.mayOpen()) prepareSession(context.session, maxMessageSize);
  },
  receiver_open: (context, client, { queues }) => {
    if (client.mayOpen()) attachIncoming(context, client, queues);
  },
  sender_open: (context, client, { queues, now }) => {
    if (client.mayOpen()) attachOutgoing(context, client, queues, now);
  },
  message: receiveTransfer,
  sender_flow: ({ sender }, client) => {
    // Without a flow from the broker, the client's next small write waits for a delayed acknowledgement.
    if (getAddress(sender?.source ?? null) === '$cbs') client.replyLinks.get(sender?.name ?? '')?.sendFlow();
    client.getReceiver(sender)?.flow();
  },
  accepted: (context, client) => settleAs('accepted', context, client),
  rejected: (context, client) => settleAs('rejected', context, client),
  modified: (context, client) => settleAs('modified', context, client),
  released: (context, client) => settleAs('released', context, client),
  sender_close: (context, client) => {
    getOutgoingLink(context).attach();
    client.endReceivers((link) => link === context.sender);
  },
  // rhea emits no `sender_close` for the links of an ended session.
  session_close: (context, client) => client.endReceivers((link) => link.session === context.session),
};

function settleAs(outcome: string, { sender, delivery }: RheaContext, client: Client): void {
  if (delivery !== undefined) client.getReceiver(sender)?.settle(outcome, delivery);
}

/** Listens for AMQP connections and serves the queues to them. */
export async function listen(options: ListenerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { queues, port, connectionLimits: limits = defaultConnectionLimits } = options;
  const container = rhea.create_container();
  const server = container.listen(toServerOptions(port, limits.frameBytes));
  const clients = new Map<RheaConnection, Client>();
  handleEvents(container, clients, limitConnections(server, limits), options);
  for (const queue of queues.values()) {
    queue.onAvailable = () => {
      for (const client of clients.values()) client.deliver(queue);
    };
  }
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients.values()) client.destroy();
      await closed;
    },
  };
}

function handleEvents(
  container: ReturnType<typeof rhea.create_container>,
  clients: Map<RheaConnection, Client>,
  onAuthorized: ConstructorParameters<typeof Client>[1],
  options: ListenerOptions,
): void {
  const on = (event: string, handler: Handler): void => {
    container.on(event, (emitted: unknown) => {
      const context = emitted as RheaContext;
      const client = clients.get(context.connection) ?? new Client(context.connection, onAuthorized);
      clients.set(context.connection, client);
      handler(context, client, options);
      options.onActivity();
    });
  };
  for (const [event, handler] of Object.entries(handlers)) on(event, handler);
  // rhea emits no `disconnected` for a connection that the client closes in good order.
  for (const event of ['connection_close', 'disconnected']) {
    on(event, (context, client) => {
      client.endReceivers(() => true);
      clients.delete(context.connection);
    });
  }
  // rhea throws errors that have no listener. In any case the peer closes the link, session or connection.
  for (const event of ['connection_error', 'session_error', 'sender_error', 'receiver_error']) {
    container.on(event, () => undefined);
  }
  container.on('protocol_error', (error: unknown) => {
    process.stderr.write(`a client broke the protocol and loses its connection: ${describeFailure(error)}\n`);
  });
  container.on('error', (error: unknown) => {
    process.stderr.write(`a defect of the broker closed a connection: ${describeFailure(error)}\n`);
  });
}

function toServerOptions(port: number, frameBytes: number): Parameters<rhea.Container['listen']>[0] {
  const options = {
    host: '127.0.0.1',
    port,
    autoaccept: false,
    treat_modified_as_released: false,
    tcp_no_delay: true,
    max_frame_size: frameBytes,
    idle_time_out: 60_000,
    session_buffer_size: 8_192,
    credit_window: 0,
  };
  return options;
}

import type { ServiceBusClient, ServiceBusMessage, ServiceBusReceiver } from '@azure/service-bus';
import { RollcallError } from '../errors/errors.ts';

/** The operations of a Service Bus namespace that the pipeline uses. */
export interface ServiceBus {
  createSender(queue: string): Sender;
  createReceiver(queue: string, options?: { subQueueType?: 'deadLetter' }): ServiceBusReceiver;
}

export interface Sender {
  /** Resolves when the broker has the message. A send whose answer was lost is repeated and may be delivered twice. */
  sendMessages(message: ServiceBusMessage): Promise<void>;
  close(): Promise<void>;
}

/** A send that is not acknowledged within this time is aborted; the next send uses a new connection. */
const sendTryMs = 8_000;
const sendTries = 3;

/**
 * A namespace whose connection is replaced when the connection stops answering. The client notices a closed connection
 * at once, but a connection that is silently dead only by its heartbeat, after two minutes. Here the first send that is
 * not acknowledged replaces the connection.
 */
export function createServiceBus(connect: () => ServiceBusClient): ServiceBus {
  let client = connect();

  function giveUp(silent: ServiceBusClient): void {
    // Another of the sends that timed out has already replaced the connection.
    if (client !== silent) return;
    client = connect();
    // Closing is not awaited, because a dead connection does not answer; its heartbeat ends it.
    silent.close().catch(() => undefined);
  }

  return {
    createReceiver: (queue, options = {}) => client.createReceiver(queue, options),

    createSender(queue) {
      let from = client;
      let sender = from.createSender(queue);
      return {
        async sendMessages(message) {
          for (let attempt = 1; ; attempt += 1) {
            if (from !== client) {
              from = client;
              sender = from.createSender(queue);
            }
            const used = from;
            const abortSignal = AbortSignal.timeout(sendTryMs);
            try {
              return await sender.sendMessages(message, { abortSignal });
            } catch (error) {
              if (abortSignal.aborted) giveUp(used);
              if (used === client || attempt === sendTries)
                throw abortSignal.aborted
                  ? new RollcallError('messaging_unavailable', undefined, { cause: error })
                  : error;
            }
          }
        },
        close: () => sender.close(),
      };
    },
  };
}

import type { ServiceBusClient, ServiceBusMessage, ServiceBusReceiver } from '@azure/service-bus';

/** What the pipeline asks of a Service Bus namespace. */
export interface ServiceBus {
  createSender(queue: string): Sender;
  createReceiver(queue: string, options?: { subQueueType?: 'deadLetter' }): ServiceBusReceiver;
}

export interface Sender {
  /** Resolves when the broker has the message. It may have it twice: an answer that got lost is not waited for. */
  sendMessages(message: ServiceBusMessage): Promise<void>;
  close(): Promise<void>;
}

/** A send that is not acknowledged by then is over, and the next one takes another connection. */
const sendTryMs = 8_000;
const sendTries = 3;

/**
 * A namespace whose connection is replaced when it has gone silent. A broken connection is noticed by the client, a
 * dead one only by its heartbeat, after two minutes: here the first send that is not acknowledged gives it up.
 */
export function createServiceBus(connect: () => ServiceBusClient): ServiceBus {
  let client = connect();

  function giveUp(silent: ServiceBusClient): void {
    // One of many sends that waited in vain has done it already.
    if (client !== silent) return;
    client = connect();
    // Nobody waits for the end of a connection that does not answer; its heartbeat clears it away.
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
              if (used === client || attempt === sendTries) throw error;
            }
          }
        },
        close: () => sender.close(),
      };
    },
  };
}

import { createRequire } from 'node:module';
import { ServiceBusClient } from '@azure/service-bus';

/*
 * The client drops a connection without a sign of life for twice this time. The client's own value is a minute, which
 * no option changes; a function would wait two minutes for its messages after the network is back.
 */
const heartbeatMs = 7_500;
const { Constants } = createRequire(import.meta.url)('@azure/core-amqp') as { Constants: object };
Object.assign(Constants, { defaultConnectionIdleTimeoutInMs: heartbeatMs });

/**
 * How long the broker waits for a free session. The client has a second timer of 60 s for the same wait, which no
 * option changes. When the timer of the client ends first, the client ends the AMQP session, and then answers the late
 * refusal of the broker on the ended session: a protocol error, which closes the connection with all its other waits.
 * By default the two timers are 20 to 120 ms apart; with ten seconds between them the broker is always first.
 */
export const acceptSessionMs = 50_000;

// The values of the real host: exponential, from 0.8 s.
const retryOptions = {
  maxRetries: 3,
  retryDelayInMs: 800,
  maxRetryDelayInMs: 60_000,
  mode: 0,
  timeoutInMs: acceptSessionMs,
};

/** Makes the client that listens to a queue. */
export function createServiceBusClient(connectionString: string): ServiceBusClient {
  return new ServiceBusClient(connectionString, { retryOptions });
}

import { createRequire } from 'node:module';
import { ServiceBusClient } from '@azure/service-bus';

/*
 * A connection that gives no sign of life for twice this time is dropped and made anew. The client asks for one a
 * minute and has no option for it; a function should not wait two minutes for its messages when the network is back.
 */
const heartbeatMs = 7_500;
const { Constants } = createRequire(import.meta.url)('@azure/core-amqp') as { Constants: object };
Object.assign(Constants, { defaultConnectionIdleTimeoutInMs: heartbeatMs });

/**
 * How long the broker is asked to look for a free session. The client has a second timer for the same wait, of 60 s,
 * which no option changes. When that timer ends first, the client ends the AMQP session, and then answers the
 * broker's late refusal on the session that it has ended: a protocol error, which costs the connection and every
 * other wait on it. By default the two timers are 20 to 120 ms apart; ten seconds let the broker always be first.
 */
export const acceptSessionMs = 50_000;

// As the real host: exponential, from 0.8 s.
const retryOptions = {
  maxRetries: 3,
  retryDelayInMs: 800,
  maxRetryDelayInMs: 60_000,
  mode: 0,
  timeoutInMs: acceptSessionMs,
};

/** The client with which the host listens to queues. */
export function createServiceBusClient(connectionString: string): ServiceBusClient {
  return new ServiceBusClient(connectionString, { retryOptions });
}

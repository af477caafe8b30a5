import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RegisteredFunction } from './core.ts';
import { eventsIn, validationCodeOf } from './eventGrid.ts';
import type { Invoke } from './invoke.ts';

/**
 * Event Grid triggers. The answer waits for the function: an event whose function failed is sent again by Event
 * Grid, since the host keeps nothing here.
 */
export function listenToEventGrid(
  server: FastifyInstance,
  functions: RegisteredFunction[],
  invoke: Invoke,
): void {
  const byName = new Map(functions.map((registered) => [registered.metadata.name, registered]));
  server.post('/runtime/webhooks/EventGrid', async (request, reply): Promise<FastifyReply> => {
    const { functionName = '' } = request.query as { functionName?: string };
    const registered = byName.get(functionName);
    if (registered === undefined) return reply.code(404).send();
    const events = eventsIn(request.body);
    if (events === undefined) return reply.code(400).send();
    if (request.headers['aeg-event-type'] === 'SubscriptionValidation') {
      return reply.send({ validationResponse: validationCodeOf(events) });
    }
    try {
      for (const event of events) {
        const reason = `EventGrid trigger fired at ${new Date().toISOString()}`;
        await invoke(registered, { data: { json: JSON.stringify(event) }, reason });
      }
      return reply.code(202).send();
    } catch {
      // The failure is logged with the invocation.
      return reply.code(500).send();
    }
  });
}

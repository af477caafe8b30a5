import type { FastifyInstance, FastifyReply } from 'fastify';
import type { RegisteredFunction } from './core.ts';
import { parseEvents, readValidationCode } from './eventGrid.ts';
import type { Invoke } from './invoke.ts';

/**
 * Adds the webhook of Event Grid triggers. The webhook answers when the function has ended, because the host stores no
 * event: Event Grid sends an event again when its function failed.
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
    const events = parseEvents(request.body);
    if (events === undefined) return reply.code(400).send();
    if (request.headers['aeg-event-type'] === 'SubscriptionValidation') {
      return reply.send({ validationResponse: readValidationCode(events) });
    }
    try {
      for (const event of events) {
        const reason = `EventGrid trigger fired at ${new Date().toISOString()}`;
        await invoke(registered, { data: { json: JSON.stringify(event) }, reason });
      }
      return reply.code(202).send();
    } catch {
      // The failure of a function is logged with its invocation.
      return reply.code(500).send();
    }
  });
}

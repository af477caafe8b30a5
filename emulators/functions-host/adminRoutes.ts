import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { RegisteredFunction } from './core.ts';
import { parseJson } from './eventGrid.ts';
import type { Invoke } from './invoke.ts';

const runRequest = z.object({ input: z.string().nullish() });

/** `POST /admin/functions/{name}` runs a function now; `GET /admin/host/status` says that the host is running. */
export function addAdminRoutes(
  server: FastifyInstance,
  functions: readonly RegisteredFunction[],
  runTimer: ReadonlyMap<string, () => Promise<void>>,
  invoke: Invoke,
): void {
  server.get('/admin/host/status', (_request, reply) => reply.send({ state: 'Running' }));
  server.post('/admin/functions/:name', async (request, reply) => {
    const { name } = request.params as { name: string };
    const registered = functions.find(({ metadata }) => metadata.name === name);
    if (registered === undefined) return reply.code(404).send();
    const hasBody = request.body instanceof Uint8Array && request.body.length > 0;
    const body = runRequest.safeParse(hasBody ? parseJson(request.body) : {});
    if (!body.success) return reply.code(400).send();
    const run = runTimer.get(name);
    await (run === undefined ? invoke(registered, { data: { string: body.data.input ?? '' } }) : run());
    return reply.code(202).send();
  });
}

import type { FastifyInstance } from 'fastify';

/** Lets web pages of these origins call the functions, as the platform of Azure does; `*`: all origins. */
export function allowOrigins(server: FastifyInstance, origins: readonly string[], routePrefix: string): void {
  if (origins.length === 0) return;
  server.addHook('onRequest', async (request, reply) => {
    const { origin, 'access-control-request-method': method } = request.headers;
    if (!request.url.startsWith(`/${routePrefix}/`)) return;
    reply.header('vary', 'Origin');
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) return;
    reply.header('access-control-allow-origin', origins.includes('*') ? '*' : origin);
    if (request.method !== 'OPTIONS' || method === undefined) return;
    // A preflight request carries no key, and is therefore answered before keys are checked.
    const headers = request.headers['access-control-request-headers'];
    if (headers !== undefined) reply.header('access-control-allow-headers', headers);
    await reply.code(204).header('access-control-allow-methods', method).send();
  });
}

/** Parses the origins of a setting, which are separated by commas. */
export function parseOrigins(setting = ''): string[] {
  return setting
    .split(',')
    .map((origin) => origin.trim().replace(/\/$/, ''))
    .filter((origin) => origin !== '');
}

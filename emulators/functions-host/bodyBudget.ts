import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Reserves memory for the body of a request, from before the body is read until the connection has sent the response.
 * False when the budget is used up.
 */
export type BodyBudget = (request: FastifyRequest, reply: FastifyReply) => boolean;

/** `totalBytes`: for the bodies of all requests together; `largestBody`: reserved for a body of unknown length. */
export function createBodyBudget(totalBytes: number, largestBody: number): BodyBudget {
  let reserved = 0;
  return (request, reply) => {
    const bytes = Math.min(largestBody, readContentLength(request) ?? largestBody);
    if (reserved + bytes > totalBytes) return false;
    reserved += bytes;
    reply.raw.once('close', () => {
      reserved -= bytes;
    });
    return true;
  };
}

/** Undefined for a body of unknown length. */
function readContentLength({ headers }: FastifyRequest): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
}

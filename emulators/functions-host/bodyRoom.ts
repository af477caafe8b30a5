import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Bounds what bodies take of the memory from their first byte to the end of the answer. A request takes its room
 * before its body is read and gives it back when its connection is done with it. Answers false when there is none.
 */
export type BodyRoom = (request: FastifyRequest, reply: FastifyReply) => boolean;

export function createBodyRoom(roomBytes: number, largestBody: number): BodyRoom {
  let taken = 0;
  return (request, reply) => {
    const bytes = Math.min(largestBody, announcedBytes(request) ?? largestBody);
    if (taken + bytes > roomBytes) return false;
    taken += bytes;
    reply.raw.once('close', () => {
      taken -= bytes;
    });
    return true;
  };
}

/** Undefined for a body of unknown length. */
function announcedBytes({ headers }: FastifyRequest): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined;
  return Number(headers['content-length'] ?? 0);
}

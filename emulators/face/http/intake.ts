import type { FastifyReply, FastifyRequest } from 'fastify';
import { faults } from '../faults.ts';
import { largestBytes } from '../operations/pictures.ts';
import { mediaTypeOf } from './requests.ts';

/** Room for 64 of the largest pictures, or for more that are smaller. */
const roomBytes = 64 * largestBytes;

/** Lets a call in that brings a picture. @throws FaceFault 429 when there is no room for it */
export type Intake = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Bounds what pictures take of the memory from their first byte to their answer: a call takes its room before its body
 * is read, so that no number of slow uploads takes more, and gives it back when its connection is done with it.
 */
export function createIntake(): Intake {
  let taken = 0;
  return (request, reply) => {
    const bytes = bytesOf(request);
    if (taken + bytes > roomBytes) throw faults.busy();
    taken += bytes;
    reply.raw.once('close', () => {
      taken -= bytes;
    });
  };
}

/** The most that a call can bring. What a URL leads to, and a body of unknown length, may be as large as any. */
function bytesOf(request: FastifyRequest): number {
  if (mediaTypeOf(request) !== 'application/octet-stream') return largestBytes;
  return Math.min(largestBytes, Number(request.headers['content-length'] ?? largestBytes));
}

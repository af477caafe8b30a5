import type { FastifyReply, FastifyRequest } from 'fastify';
import { faults } from '../contract/faults.ts';
import { largestBytes } from '../operations/image.ts';
import { imageType, parseMediaType } from './toCall.ts';

/** Room for 64 of the largest images, or for more smaller ones. */
const roomBytes = 64 * largestBytes;

/** Reserves memory for the image of a call until its connection closes. @throws FaceFault 429 when none is left */
export type ReserveMemory = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Bounds the memory that images take from their first byte to their answer. A call reserves memory before its body is
 * read, so that no number of slow uploads exceeds the bound.
 */
export function createUploadMemory(): ReserveMemory {
  let reserved = 0;
  return (request, reply) => {
    const bytes = estimateBytes(request);
    if (reserved + bytes > roomBytes) throw faults.busy();
    reserved += bytes;
    reply.raw.once('close', () => {
      reserved -= bytes;
    });
  };
}

/** An upper bound. The image behind a URL, and a body of unknown length, may be as large as any. */
function estimateBytes(request: FastifyRequest): number {
  if (parseMediaType(request) !== imageType) return largestBytes;
  return Math.min(largestBytes, Number(request.headers['content-length'] ?? largestBytes));
}

import type { FastifyInstance } from 'fastify';
import { largestBytes } from '../operations/image.ts';
import { apiVersions } from '../operations/call.ts';
import type { FaceContext } from '../operations/operation.ts';
import { operations } from '../operations/operationTable.ts';
import type { Log } from './log.ts';
import type { FaceMetrics } from './metrics.ts';
import { answer, type Admit } from './server.ts';
import { createUploadMemory } from './uploadMemory.ts';

/** A little more than an image may have: the Face API has its own error for an image that is too large. */
const imageBodyLimit = largestBytes + 1_024;

export type RouteOptions = { admit: Admit; context: FaceContext; metrics: FaceMetrics; log: Log };

/** Serves the table of operations in both versions, the metrics and the health check. */
export function addRoutes(server: FastifyInstance, { admit, context, metrics, log }: RouteOptions): void {
  const reserveMemory = createUploadMemory();
  for (const version of apiVersions) {
    for (const operation of operations) {
      const { name, method, path, takesImage = false } = operation;
      server.route({
        method,
        url: `/face/${version}${path}`,
        ...(takesImage && { bodyLimit: imageBodyLimit }),
        async onRequest(request, reply) {
          admit(request, reply);
          if (takesImage) reserveMemory(request, reply);
        },
        async onResponse(_request, reply) {
          const { statusCode, elapsedTime } = reply;
          metrics.count(name, statusCode, elapsedTime);
          const code = reply.getHeader('x-ms-error-code') ?? '';
          const id = String(reply.getHeader('apim-request-id'));
          log([name, statusCode, code, `${Math.round(elapsedTime)} ms`, id].filter(Boolean).join(' '));
        },
        handler: (request, reply) => answer(operation, version, context, request, reply),
      });
    }
  }
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  server.get('/health', async () => ({ status: 'ok' }));
}

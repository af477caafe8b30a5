import type { FastifyInstance } from 'fastify';
import { createIntake } from './intake.ts';
import type { Log } from './log.ts';
import type { FaceMetrics } from './metrics.ts';
import { apiVersions, type FaceContext } from '../operations/operations.ts';
import { operations } from '../operations/operationTable.ts';
import { largestBytes } from '../operations/pictures.ts';
import { carryOut, type Admit } from './server.ts';

/** A little more than a picture may have: the contract has its own error for one that is too big. */
const pictureBodyLimit = largestBytes + 1_024;

export type RouteOptions = { admit: Admit; context: FaceContext; metrics: FaceMetrics; log: Log };

/** Serves the table of operations in both versions, and what looks after the service. */
export function addRoutes(server: FastifyInstance, { admit, context, metrics, log }: RouteOptions): void {
  const letIn = createIntake();
  for (const version of apiVersions) {
    for (const operation of operations) {
      const { name, method, path, takesPicture = false } = operation;
      server.route({
        method,
        url: `/face/${version}${path}`,
        ...(takesPicture ? { bodyLimit: pictureBodyLimit } : {}),
        async onRequest(request, reply) {
          admit(request, reply);
          if (takesPicture) letIn(request, reply);
        },
        async onResponse(_request, reply) {
          const { statusCode, elapsedTime } = reply;
          metrics.count(name, statusCode, elapsedTime);
          const code = reply.getHeader('x-ms-error-code') ?? '';
          const id = String(reply.getHeader('apim-request-id'));
          log([name, statusCode, code, `${Math.round(elapsedTime)} ms`, id].filter(Boolean).join(' '));
        },
        handler: (request, reply) => carryOut(operation, context, request, reply),
      });
    }
  }
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  server.get('/health', async () => ({ status: 'ok' }));
}

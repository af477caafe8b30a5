import { z } from 'zod';
import { failures } from '../../errors/errors.ts';
import { parsed } from '../problem.ts';
import { openApi } from '../openapi/document.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';

/** Routes about the service itself. `all`: the whole route table, for the OpenAPI document. */
export const serviceRoutes = (all: () => readonly Route[]) =>
  [
    {
      name: 'health',
      tag: 'service',
      method: 'GET',
      path: 'health',
      summary: 'Get the health of the service and of each service behind it',
      access: 'open',
      answer: { status: 200, schema: schemas.health },
      alsoAnswers: { 503: schemas.health },
      failures: ['bad_request'],
      async handle(_request, { health }) {
        const report = await health();
        return { status: report.status === 'ok' ? 200 : 503, body: report };
      },
    },
    {
      name: 'openApi',
      tag: 'service',
      method: 'GET',
      path: 'openapi.json',
      summary: 'Get this document',
      access: 'any',
      answer: { status: 200, schema: z.looseObject({ openapi: z.string() }) },
      failures: ['bad_request'],
      handle: async () => ({ body: openApi(all()) }),
    },
    {
      name: 'problem',
      tag: 'service',
      method: 'GET',
      path: 'problems/{code}',
      summary: 'Explain an error: what it means, and what a caller does',
      access: 'any',
      answer: { status: 200, schema: schemas.explanation },
      failures: ['bad_request'],
      async handle(request) {
        const code = parsed(schemas.code, request.params['code'], 'code');
        const { status, retried, title, remedy } = failures[code];
        return { body: { code, status, retried, title, remedy } };
      },
    },
  ] as const satisfies readonly Route[];

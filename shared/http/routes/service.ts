import { z } from 'zod';
import { openApi } from '../openapi.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';

/** What is known of the service itself. `all`: every route there is, for the document. */
export const serviceRoutes = (all: () => readonly Route[]): readonly Route[] => [
  {
    name: 'health',
    method: 'GET',
    path: 'health',
    summary: 'Whether every part answers',
    access: 'open',
    answer: { status: 200, schema: schemas.health },
    failures: [],
    async handle(_request, { health }) {
      const report = await health();
      return { status: report.status === 'ok' ? 200 : 503, body: report };
    },
  },
  {
    name: 'openApi',
    method: 'GET',
    path: 'openapi.json',
    summary: 'This document',
    access: 'open',
    answer: { status: 200, schema: z.object({ openapi: z.string() }) },
    failures: [],
    handle: async () => ({ body: openApi(all()) }),
  },
];

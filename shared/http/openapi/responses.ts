import type { z } from 'zod';
import { failures, type FailureCode } from '../../errors/errors.ts';
import { touchesStorage, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import type { Json, ToJsonSchema } from './jsonSchemas.ts';

/** Headers of answers. */
export const headers = {
  'X-Request-Id': {
    description: 'The ID that the caller gave to the request, or else one that Rollcall gave',
    required: true,
    schema: { type: 'string' },
  },
  ETag: {
    description: 'The version of the settings of the group, for If-Match',
    required: true,
    schema: { type: 'string' },
  },
  Location: {
    description: 'Where the proof of the deletion will be',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': { description: 'Seconds after which to try again', schema: { type: 'integer' } },
} as const;

type HeaderName = keyof typeof headers;

function referToHeaders(...names: HeaderName[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

export function toResponses(route: Route, toJsonSchema: ToJsonSchema): Json {
  const { status, schema } = route.answer;
  const success = toSuccess(route, schema, headersOnSuccess(route), toJsonSchema);
  const others = Object.entries(route.alsoAnswers ?? {}).map(([other, otherSchema]) => [
    other,
    toSuccess(route, otherSchema, ['X-Request-Id'], toJsonSchema),
  ]);
  const problems = [...Map.groupBy(listCodes(route), (code) => failures[code].status)].map(
    ([failed, codes]) => [String(failed), toProblemResponse(failed, codes, toJsonSchema)],
  );
  return { [String(status)]: success, ...Object.fromEntries(others), ...Object.fromEntries(problems) };
}

function toSuccess(
  { summary }: Route,
  schema: z.ZodType | undefined,
  names: HeaderName[],
  toJsonSchema: ToJsonSchema,
): Json {
  return {
    description: summary,
    headers: referToHeaders(...names),
    ...(schema !== undefined && {
      content: { 'application/json': { schema: toJsonSchema(schema, 'output') } },
    }),
  };
}

/** The answer with a group has an ETag; the answer to a deletion has the location of the erasure. */
function headersOnSuccess({ method, answer }: Route): HeaderName[] {
  if (answer.schema === schemas.group) return ['X-Request-Id', 'ETag'];
  return method === 'DELETE' && answer.schema === schemas.erasure
    ? ['X-Request-Id', 'Location']
    : ['X-Request-Id'];
}

function listCodes(route: Route): FailureCode[] {
  const access: FailureCode[] = route.access === 'open' ? [] : ['not_authenticated', 'not_allowed'];
  const stored: FailureCode[] = touchesStorage(route) ? ['other_version'] : [];
  return [...new Set([...access, ...route.failures, ...stored, 'internal' as const])];
}

function toProblemResponse(status: number, codes: readonly FailureCode[], toJsonSchema: ToJsonSchema): Json {
  const texts = codes.map((code) => `\`${code}\`: ${failures[code].title}`);
  const ofCodes = { type: 'object', properties: { code: { enum: codes } } };
  // The Functions host itself answers a request without a function key, before the request reaches the app.
  const byHost = status === failures.not_authenticated.status;
  const names: HeaderName[] = codes.some((code) => failures[code].retryAfter)
    ? ['X-Request-Id', 'Retry-After']
    : ['X-Request-Id'];
  return {
    description: [...texts, ...(byHost ? ['A missing function key: without a body.'] : [])].join(' '),
    headers: byHost ? {} : referToHeaders(...names),
    content: {
      'application/problem+json': { schema: { allOf: [toJsonSchema(schemas.problem, 'output'), ofCodes] } },
    },
  };
}

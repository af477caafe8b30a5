import { z } from 'zod';
import { failures, type FailureCode } from '../errors.ts';
import type { Route } from './route.ts';
import { problem } from './schemas.ts';

type Json = Record<string, unknown>;

const contact = 'Turns a storage container into a face enrollment and identification service.';

/** The OpenAPI 3.1 document of the route table. */
export function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api/${route.path.replace('{*', '{')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version: '0.1.0',
      description: contact,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problem, 'output') },
      securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'x-functions-key' } },
    },
  };
}

function operationOf(route: Route): Json {
  return {
    operationId: route.name,
    summary: route.summary,
    security: route.access === 'open' ? [] : [{ key: [] }],
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route.body) }),
    responses: responsesOf(route),
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{\*?(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

function requestBodyOf({ json, pictures = false }: NonNullable<Route['body']>): Json {
  return {
    required: pictures,
    content: {
      ...(json === undefined ? {} : { 'application/json': { schema: schemaOf(json, 'input') } }),
      ...(pictures ? { 'application/octet-stream': {}, 'image/*': {} } : {}),
    },
  };
}

function responsesOf(route: Route): Json {
  const { status, schema } = route.answer;
  const success = {
    description: route.summary,
    ...(schema === undefined
      ? {}
      : { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }),
  };
  const codes: readonly FailureCode[] = [...route.failures, 'internal'];
  const byStatus = Map.groupBy(codes, (code) => failures[code].status);
  const problems = [...byStatus].map(([failed, of]) => [
    String(failed),
    {
      description: of.map((code) => `\`${code}\`: ${failures[code].title}`).join(' '),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  ]);
  return { [String(status)]: success, ...Object.fromEntries(problems) };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: coerced,
  });
  return rest;
}

/** `z.coerce` takes any input; what it makes of it is what a caller should send. */
function coerced({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  const { def } = zodSchema._zod;
  if (def.type === 'number' && jsonSchema['type'] === undefined) jsonSchema['type'] = 'number';
}

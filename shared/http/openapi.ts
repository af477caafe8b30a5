import { z } from 'zod';
import { failures, type FailureCode } from '../errors.ts';
import { appRoles, type Access } from './access.ts';
import { tags, type Route } from './route.ts';
import { problem } from './schemas.ts';

type Json = Record<string, unknown>;

const summary = 'Turns a storage container into a face enrollment and identification service.';

/** The OpenAPI 3.1 document of the route table. */
export function openApi(routes: readonly Route[]): Json {
  const schemas = createSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api/${route.path.replace('{*', '{')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas.of) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollcall',
      version: '0.1.0',
      description: summary,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(tags).map(([name, text]) => ({ name, description: text })),
    paths,
    components: {
      schemas: schemas.named,
      securitySchemes: {
        key: {
          type: 'apiKey',
          in: 'header',
          name: 'x-functions-key',
          description: 'A function key, where ROLLCALL_AUTH is keys',
        },
        entra: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'A token of Microsoft Entra with an app role, where ROLLCALL_AUTH is entra',
        },
      },
    },
  };
}

function operationOf(route: Route, schemaOf: SchemaOf): Json {
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    security: securityOf(route.access),
    parameters: [
      ...pathParameters(route.path),
      ...queryParameters(route.query, schemaOf),
      ...headerParameters(route.headers),
    ],
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route.body, schemaOf) }),
    responses: responsesOf(route, schemaOf),
  };
}

function securityOf(access: Access): Json[] {
  if (access === 'open') return [];
  return [{ key: [] }, { entra: access === 'any' ? [] : [appRoles[access]] }];
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{\*?(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined, schemaOf: SchemaOf): Json[] {
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

function headerParameters(headers: Route['headers'] = {}): Json[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
}

function requestBodyOf({ json, pictures = false }: NonNullable<Route['body']>, schemaOf: SchemaOf): Json {
  return {
    required: pictures,
    content: {
      ...(json === undefined ? {} : { 'application/json': { schema: schemaOf(json, 'input') } }),
      ...(pictures ? { 'application/octet-stream': binary, 'image/*': binary } : {}),
    },
  };
}

function responsesOf(route: Route, schemaOf: SchemaOf): Json {
  const { status, schema } = route.answer;
  const success = {
    description: route.summary,
    ...(schema === undefined
      ? {}
      : { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }),
  };
  const access: FailureCode[] = route.access === 'open' ? [] : ['not_authenticated', 'not_allowed'];
  const codes: readonly FailureCode[] = [...access, ...route.failures, 'internal'];
  const byStatus = Map.groupBy(codes, (code) => failures[code].status);
  const problems = [...byStatus].map(([failed, of]) => [
    String(failed),
    {
      description: of.map((code) => `\`${code}\`: ${failures[code].title}`).join(' '),
      content: { 'application/problem+json': { schema: schemaOf(problem, 'output') } },
    },
  ]);
  const others = Object.entries(route.alsoAnswers ?? {}).map(([other, of]) => [
    other,
    { description: route.summary, content: { 'application/json': { schema: schemaOf(of, 'output') } } },
  ]);
  return { [String(status)]: success, ...Object.fromEntries(others), ...Object.fromEntries(problems) };
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Json;

/** Bytes, as OpenAPI 3.1 says it: no schema of JSON. */
const binary = { schema: { type: 'string', format: 'binary' } } as const;

/** JSON schemas; those with an ID are written once, under their names. */
function createSchemas(): { of: SchemaOf; named: Record<string, Json> } {
  const named: Record<string, Json> = {};
  return {
    named,
    of(schema, io) {
      const { $schema: _schema, ...json } = z.toJSONSchema(schema, {
        io,
        unrepresentable: 'any',
        override: coerced,
      });
      const text = JSON.stringify(json).replaceAll('#/$defs/', '#/components/schemas/');
      const { $defs = {}, ...own } = JSON.parse(text) as Json & { $defs?: Record<string, Json>; id?: string };
      for (const [name, definition] of Object.entries($defs)) named[name] = withoutId(definition);
      if (own.id === undefined) return own;
      named[own.id] = withoutId(own);
      return { $ref: `#/components/schemas/${own.id}` };
    },
  };
}

function withoutId({ id: _id, ...schema }: Json): Json {
  return schema;
}

/** `z.coerce` takes any input; what it makes of it is what a caller should send. */
function coerced({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  const { def } = zodSchema._zod;
  if (def.type === 'number' && jsonSchema['type'] === undefined) jsonSchema['type'] = 'number';
  // What format and type say already.
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
}

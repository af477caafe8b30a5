import { z } from 'zod';
import { failures, type FailureCode } from '../errors/errors.ts';
import { appRoles, type Access } from './access.ts';
import { tags, touchesStorage, type Route } from './route.ts';
import * as schemas from './schemas.ts';

type Json = Record<string, unknown>;

const summary =
  'Turns a storage container into a face enrollment and identification service. ' +
  'Every answer other than a success is a problem (RFC 9457) with a code; query parameters that an operation does not ' +
  'name are refused, but for code, which may hold a function key. Every GET answers HEAD too, and every path OPTIONS, ' +
  'with Allow; another method is 405 (method_not_allowed) with Allow, and an unknown path 404 (route_not_found). A body ' +
  'without a type counts as application/octet-stream.';

/** The OpenAPI 3.1 document of the route table. */
export function openApi(routes: readonly Route[]): Json {
  const written = createSchemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api/${route.path.replace('{*', '{')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, written.of) };
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
      schemas: written.named,
      parameters: { RequestId: requestId },
      headers,
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
      ...pathParameters(route.path, schemaOf),
      ...queryParameters(route.query, schemaOf),
      ...headerParameters(route.headers),
      { $ref: '#/components/parameters/RequestId' },
    ],
    ...(route.body === undefined ? {} : { requestBody: requestBodyOf(route.body, schemaOf) }),
    responses: responsesOf(route, schemaOf),
  };
}

function securityOf(access: Access): Json[] {
  if (access === 'open') return [];
  return [{ key: [] }, { entra: access === 'any' ? [] : [appRoles[access]] }];
}

/** The path parameters. Names follow the grammar of image paths. */
const inPath: Record<string, { schema: Json | z.ZodType; description?: string }> = {
  group: {
    schema: { type: 'string', minLength: 1, maxLength: 48, pattern: '^(?!.*__)[a-z0-9_-]+$' },
    description: 'a-z, 0-9, - and _, without two _ in a row',
  },
  person: {
    schema: { type: 'string', minLength: 1, pattern: String.raw`^[^/\\]+$` },
    description:
      'A name in any script, at most 128 characters in Unicode NFC; no backslash, no control character',
  },
  image: {
    schema: { type: 'string', minLength: 1 },
    description:
      'May hold slashes, as they are or as %2F; no empty, . or .. segment, no dot at the end, no backslash, no control character',
  },
  id: { schema: { type: 'string', minLength: 1 } },
  code: { schema: schemas.code },
};

function pathParameters(path: string, schemaOf: SchemaOf): Json[] {
  return [...path.matchAll(/\{\*?(\w+)\}/g)].map(([, name = '']) => {
    const { schema = { type: 'string' }, ...described } = inPath[name] ?? {};
    return {
      name,
      in: 'path',
      required: true,
      ...described,
      schema: schema instanceof z.ZodType ? schemaOf(schema, 'input') : schema,
    };
  });
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
      ...(pictures
        ? { 'application/octet-stream': binary, 'image/*': binary, 'multipart/form-data': form }
        : {}),
    },
  };
}

const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  description: 'Names the request in the logs of both sides: 1 to 128 visible ASCII characters',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
} as const;

/** Headers of answers. */
const headers = {
  'X-Request-Id': {
    description: 'The name that the request was given, else one of our own',
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
  'Retry-After': { description: 'Seconds until it is worth to try again', schema: { type: 'integer' } },
} as const;

type HeaderName = keyof typeof headers;

function headersNamed(...names: HeaderName[]): Json {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

/** The answer with a group has an ETag; the answer to a deletion has the location of the erasure. */
function headersOfSuccess({ method, answer }: Route): HeaderName[] {
  if (answer.schema === schemas.group) return ['X-Request-Id', 'ETag'];
  return method === 'DELETE' && answer.schema === schemas.erasure
    ? ['X-Request-Id', 'Location']
    : ['X-Request-Id'];
}

function responsesOf(route: Route, schemaOf: SchemaOf): Json {
  const { status, schema } = route.answer;
  const success = {
    description: route.summary,
    headers: headersNamed(...headersOfSuccess(route)),
    ...(schema === undefined
      ? {}
      : { content: { 'application/json': { schema: schemaOf(schema, 'output') } } }),
  };
  const access: FailureCode[] = route.access === 'open' ? [] : ['not_authenticated', 'not_allowed'];
  const stored: FailureCode[] = touchesStorage(route) ? ['other_version'] : [];
  const codes: readonly FailureCode[] = [...access, ...route.failures, ...stored, 'internal'];
  const byStatus = Map.groupBy(codes, (code) => failures[code].status);
  const problems = [...byStatus].map(([failed, of]) => [
    String(failed),
    problemResponse(failed, of, schemaOf),
  ]);
  const others = Object.entries(route.alsoAnswers ?? {}).map(([other, of]) => [
    other,
    {
      description: route.summary,
      headers: headersNamed('X-Request-Id'),
      content: { 'application/json': { schema: schemaOf(of, 'output') } },
    },
  ]);
  return { [String(status)]: success, ...Object.fromEntries(others), ...Object.fromEntries(problems) };
}

function problemResponse(status: number, given: readonly FailureCode[], schemaOf: SchemaOf): Json {
  const codes = [...new Set(given)];
  const texts = codes.map((code) => `\`${code}\`: ${failures[code].title}`);
  const ofCodes = { type: 'object', properties: { code: { enum: codes } } };
  // The Functions host itself answers a request without a function key, before the request reaches the app.
  const byHost = status === failures.not_authenticated.status;
  return {
    description: [...texts, ...(byHost ? ['A missing function key: without a body.'] : [])].join(' '),
    headers: byHost
      ? {}
      : headersNamed(
          'X-Request-Id',
          ...(codes.some((code) => failures[code].retryAfter) ? ['Retry-After' as const] : []),
        ),
    content: {
      'application/problem+json': { schema: { allOf: [schemaOf(schemas.problem, 'output'), ofCodes] } },
    },
  };
}

type SchemaOf = (schema: z.ZodType, io: 'input' | 'output') => Json;

/** Raw bytes; a JSON schema cannot describe them. */
const binary = { schema: { type: 'string', format: 'binary' } } as const;

/** A form with one file. The API accepts any name for the field of the file. */
const form = {
  schema: { type: 'object', properties: { file: binary.schema }, required: ['file'] },
} as const;

/** Converts Zod schemas to JSON schemas. A schema with an ID is written once, in `named`, and referenced elsewhere. */
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

/**
 * Describes the input of `z.coerce` by the type that the input is converted to: Zod itself reports that `z.coerce`
 * accepts any input.
 */
function coerced({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  const { def } = zodSchema._zod;
  if (def.type === 'number' && jsonSchema['type'] === undefined) jsonSchema['type'] = 'number';
  // The pattern and the limits repeat what `format` and `type` express.
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
}

import { z } from 'zod';
import type { Route } from '../route.ts';
import { code } from '../schemas.ts';
import type { Json, ToJsonSchema } from './jsonSchemas.ts';

/** The path parameters. Names follow the grammar of image paths. */
const pathParameters: Record<string, { schema: Json | z.ZodType; description?: string }> = {
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
      'May hold slashes, as they are or as %2F; no empty, . or .. segment, no dot at the end, no backslash, ' +
      'no control character',
  },
  id: { schema: { type: 'string', minLength: 1 } },
  code: { schema: code },
};

export const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  description: 'Names the request in the logs of both sides: 1 to 128 visible ASCII characters',
  schema: { type: 'string', minLength: 1, maxLength: 128 },
} as const;

export function toParameters({ path, query, headers = {} }: Route, toJsonSchema: ToJsonSchema): Json[] {
  return [
    ...toPathParameters(path, toJsonSchema),
    ...toQueryParameters(query, toJsonSchema),
    ...toHeaderParameters(headers),
    { $ref: '#/components/parameters/RequestId' },
  ];
}

function toPathParameters(path: string, toJsonSchema: ToJsonSchema): Json[] {
  return [...path.matchAll(/\{\*?(\w+)\}/g)].map(([, name = '']) => {
    const { schema = { type: 'string' }, ...described } = pathParameters[name] ?? {};
    return {
      name,
      in: 'path',
      required: true,
      ...described,
      schema: schema instanceof z.ZodType ? toJsonSchema(schema, 'input') : schema,
    };
  });
}

function toQueryParameters(query: z.ZodObject | undefined, toJsonSchema: ToJsonSchema): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = toJsonSchema(query, 'input') as {
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

function toHeaderParameters(headers: NonNullable<Route['headers']>): Json[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  }));
}

/** Raw bytes; a JSON schema cannot describe them. */
const binary = { schema: { type: 'string', format: 'binary' } } as const;

/** A form with one file. The API accepts any name for the field of the file. */
const form = {
  schema: { type: 'object', properties: { file: binary.schema }, required: ['file'] },
} as const;

export function toRequestBody(
  { json, pictures = false }: NonNullable<Route['body']>,
  toJsonSchema: ToJsonSchema,
): Json {
  return {
    required: pictures,
    content: {
      ...(json !== undefined && { 'application/json': { schema: toJsonSchema(json, 'input') } }),
      ...(pictures && {
        'application/octet-stream': binary,
        'image/*': binary,
        'multipart/form-data': form,
      }),
    },
  };
}

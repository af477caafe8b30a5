import { z } from 'zod';

export type Json = Record<string, unknown>;

/** Converts a Zod schema of a request (`input`) or an answer (`output`) to a JSON schema. */
export type ToJsonSchema = (schema: z.ZodType, io: 'input' | 'output') => Json;

/** A schema with an ID is written once, in `named`, and referred to elsewhere. */
export function createJsonSchemas(): { toJsonSchema: ToJsonSchema; named: Record<string, Json> } {
  const named: Record<string, Json> = {};
  return {
    named,
    toJsonSchema(schema, io) {
      const { $schema: _schema, ...json } = z.toJSONSchema(schema, {
        io,
        unrepresentable: 'any',
        override: describeCoerced,
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

/** Describes the input of `z.coerce` by the type that the input is converted to: Zod itself says any input. */
function describeCoerced({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Json }): void {
  const { def } = zodSchema._zod;
  if (def.type === 'number' && jsonSchema['type'] === undefined) jsonSchema['type'] = 'number';
  // The pattern and the limits repeat what `format` and `type` express.
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum'];
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum'];
}

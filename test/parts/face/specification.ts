import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/*
 * Microsoft's OpenAPI of Face v1.0 and v1.2 is not part of this project. Where FACE_SPEC names a folder that holds
 * `v1.0…/Face.json` and `v1.2…/Face.json` (`specification/ai/data-plane/Face/stable` of azure-rest-api-specs), answers
 * are checked against it.
 */

type Version = 'v1.0' | 'v1.2';
type Schema = Record<string, unknown>;
type Document = {
  paths: Record<string, Record<string, { responses: Record<string, { schema?: Schema }> }>>;
  definitions: Record<string, Schema>;
};

export type Specification = {
  /** `GET /facelists/{}`, … */
  operations(version: Version): string[];
  /** @throws Error for an answer that the document does not have */
  check(version: Version, operation: string, status: number, body: unknown): void;
};

/** Undefined where FACE_SPEC is not set. @throws Error for a folder without the documents */
export function readSpecification(): Specification | undefined {
  const folder = process.env['FACE_SPEC'];
  if (folder === undefined || folder === '') return undefined;
  const documents = { 'v1.0': readDocument(folder, 'v1.0'), 'v1.2': readDocument(folder, 'v1.2') };
  const schemas = { 'v1.0': schemasOf(documents['v1.0']), 'v1.2': schemasOf(documents['v1.2']) };
  return {
    operations: (version) => [...schemas[version].keys()],
    check(version, operation, status, body) {
      const answers = schemas[version].get(operation);
      const schema = answers?.get(String(status)) ?? answers?.get('default');
      if (schema === undefined) throw new Error(`${version} has no ${operation}`);
      const { error } = schema.safeParse(body);
      if (error !== undefined) {
        throw new Error(
          `${version} ${operation} ${status}: ${z.prettifyError(error)}\n${JSON.stringify(body)}`,
        );
      }
    },
  };
}

function readDocument(folder: string, version: Version): Document {
  const file = readdirSync(folder)
    .filter((name) => name.startsWith(version))
    .map((name) => join(folder, name, 'Face.json'))
    .find((name) => existsSync(name));
  if (file === undefined) throw new Error(`FACE_SPEC: there is no ${version}…/Face.json in ${folder}`);
  return JSON.parse(readFileSync(file, 'utf8')) as Document;
}

/** By operation, then by status or `default`. */
function schemasOf(document: Document): Map<string, Map<string, z.ZodType>> {
  const definitions = asServed(document.definitions);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => {
      const answers = Object.entries(responses).map(([status, { schema }]): [string, z.ZodType] => [
        status,
        schema === undefined
          ? z.undefined()
          : z.fromJSONSchema({ ...schema, definitions }, { defaultTarget: 'draft-4' }),
      ]);
      const name = `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')}`;
      return [name, new Map(answers)] as const;
    }),
  );
  return new Map(operations);
}

/**
 * Where the real service is known to answer otherwise than its document says, the service counts: names of levels and
 * kinds begin with a letter of either case, and the time of the last success is absent until the first. Properties
 * that no definition has are errors.
 */
function asServed(definitions: Document['definitions']): unknown {
  return JSON.parse(JSON.stringify(definitions), (key, value: unknown) => {
    if (key === 'enum' && Array.isArray(value)) return (value as string[]).flatMap(spellings);
    if (key === 'required' && Array.isArray(value)) {
      return value.filter((name) => name !== 'lastSuccessfulTrainingDateTime');
    }
    // A part of an `allOf` does not know the properties of the others.
    const isClosed =
      typeof value === 'object' && value !== null && 'properties' in value && !('allOf' in value);
    return isClosed && !key.endsWith('Contract') ? { ...value, additionalProperties: false } : value;
  });
}

function spellings(name: string): string[] {
  const rest = name.slice(1);
  return [...new Set([name, name.charAt(0).toLowerCase() + rest, name.charAt(0).toUpperCase() + rest])];
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Response = {
  headers?: Record<string, { $ref: string }>;
  content?: Record<string, { schema: object }>;
};

type Document = {
  paths: Record<string, Record<string, { operationId: string; responses: Record<string, Response> }>>;
  components: { headers: Record<string, { required?: boolean; schema: object }> };
};

/** The document as it is checked in; a test of its own keeps it equal to what is served. */
const file = join(import.meta.dirname, '../../docs/openapi.json');
const document = JSON.parse(readFileSync(file, 'utf8')) as Document;

const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true, coerceTypes: false }));
ajv.addSchema(document, 'document');
const validators = new Map<string, ValidateFunction>();

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    method: method.toUpperCase(),
    // An image is the rest of the path, whatever slashes it has.
    pattern: new RegExp(`^${path.replace('{image}', '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`, 's'),
    at: ['paths', path, method, 'responses'],
    responses: operation.responses,
  })),
);

/** What is in no row of the table is answered by one function for all of it. */
const noOperation: Record<string, number> = { route_not_found: 404, method_not_allowed: 405 };

/**
 * Checks an answer of the HTTP API against the document: its status is documented for the operation, and its content
 * type, its headers and its body are what the document says, no more and no less.
 * @throws Error that says what is not documented
 */
export function expectDocumented(
  method: string,
  path: string,
  status: number,
  body: unknown,
  headers?: Headers,
): void {
  const name = `${method} ${path} ${status}`;
  const url = `/api/${path.split('?', 1)[0] ?? ''}`;
  const operation = operations.find((one) => one.method === method && one.pattern.test(url));
  if (operation === undefined) {
    const { code = '' } = (body ?? {}) as { code?: string };
    if (status === noOperation[code]) return;
    throw new Error(`${name}: there is no such operation, and the answer does not say so`);
  }
  const response = operation.responses[String(status)];
  if (response === undefined) throw new Error(`${name} is not documented`);
  if (headers !== undefined) expectHeaders(name, response, headers);
  // The Functions host refuses a missing key without a body.
  if (status === 401 && body === undefined) return;
  const [[type] = []] = Object.entries(response.content ?? {});
  const given = headers?.get('content-type')?.split(';', 1)[0];
  if (headers !== undefined && given !== type) throw new Error(`${name} is ${given}, documented is ${type}`);
  if (type === undefined) return;
  const schema = [...operation.at, String(status), 'content', type, 'schema'];
  const validate = validatorOf(`document#/${schema.map(escaped).join('/')}`);
  if (!validate(body))
    throw new Error(`${name}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(body).slice(0, 500)}`);
}

function expectHeaders(name: string, response: Response, headers: Headers): void {
  for (const [header, { $ref }] of Object.entries(response.headers ?? {})) {
    const { required = false } = document.components.headers[$ref.split('/').at(-1) ?? ''] ?? {};
    const value = headers.get(header);
    if (value === null && required) throw new Error(`${name}: the header ${header} is missing`);
    if (value === null) continue;
    const validate = validatorOf(`document${$ref}/schema`);
    const fits = [value, Number(value)].some((typed) => validate(typed));
    if (!fits) throw new Error(`${name}: the header ${header} is ${value}`);
  }
}

function validatorOf(reference: string): ValidateFunction {
  const known = validators.get(reference);
  if (known !== undefined) return known;
  const validate = ajv.compile({ $ref: reference });
  validators.set(reference, validate);
  return validate;
}

/** For a JSON pointer in a URI. */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

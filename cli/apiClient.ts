import type { z } from 'zod';
import type { Operation } from '../shared/http/routes.ts';
import type { problem } from '../shared/http/schemas.ts';

/** The route table by method and path, such as `GET groups/{group}`. */
type Table = { [Row in Operation as `${Row['method']} ${Row['path']}`]: Row };

type PathParameter<Path> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? (Name extends `*${infer Tail}` ? Tail : Name) | PathParameter<Rest>
  : never;

/** A coerced parameter takes anything; what it is converted to is what a caller means. */
type Sent<Schema extends z.ZodType> = {
  [Key in keyof z.input<Schema>]: unknown extends z.input<Schema>[Key]
    ? z.output<Schema>[Key & keyof z.output<Schema>]
    : z.input<Schema>[Key];
};

type QueryOf<Row> = Row extends { query: infer Schema extends z.ZodType }
  ? object extends Sent<Schema>
    ? { query?: Sent<Schema> }
    : { query: Sent<Schema> }
  : { query?: never };

type JsonOf<Row> = Row extends { body: { json: infer Schema extends z.ZodType } } ? z.input<Schema> : never;

type BodyOf<Row> = Row extends { body: { pictures: true } }
  ? { body: Blob | JsonOf<Row> }
  : { body?: JsonOf<Row> };

type Request<Row extends Operation> = Record<PathParameter<Row['path']>, string> & QueryOf<Row> & BodyOf<Row>;

/** What an operation answers, such as `Answer<'GET groups/{group}'>`. */
export type Answer<Name extends keyof Table> = z.output<Table[Name]['answer']['schema']>;

/** What the API answered instead of a success. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly status: number;
  /** Of the problem; the Functions host refuses a missing key without one. */
  readonly code: string | undefined;

  constructor(status: number, of?: z.output<typeof problem>) {
    super(of === undefined ? `HTTP ${status}` : `${of.code}: ${of.detail ?? of.title}`);
    this.status = status;
    this.code = of?.code;
  }
}

/**
 * Calls operations of the HTTP API by method and path. Parameters, bodies and answers have the types of the route
 * table, so that a wrong call does not compile. A call rejects with ApiError unless it succeeds.
 */
export function apiClient({
  http,
  httpKey,
  fetch: send = fetch,
}: {
  http: string;
  httpKey?: string | undefined;
  fetch?: typeof fetch;
}) {
  return async <Name extends keyof Table>(
    operation: Name,
    { query, body, ...parameters }: Request<Table[Name]>,
  ): Promise<Answer<Name>> => {
    const [method = '', template = ''] = operation.split(' ');
    const url = new URL(`${http}/api/${fill(template, parameters)}`);
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await send(url, {
      method,
      headers: {
        ...(httpKey !== undefined && { 'x-functions-key': httpKey }),
        ...(body !== undefined && !(body instanceof Blob) && { 'content-type': 'application/json' }),
      },
      body: body instanceof Blob ? body : (JSON.stringify(body) ?? null),
    });
    const content = parseJson(await response.text());
    if (!response.ok) throw new ApiError(response.status, content as z.output<typeof problem> | undefined);
    if (content === undefined)
      throw new Error(`what answers at ${http} is not Rollcall: its answer is no JSON`);
    return content as Answer<Name>;
  };
}

export type ApiClient = ReturnType<typeof apiClient>;

/** A proxy between may answer with a page of its own. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Puts parameters into the template of a path; the last one, `{*name}`, may hold slashes. */
function fill(template: string, parameters: Record<string, string>): string {
  return template.replaceAll(/\{(\*?)(\w+)\}/g, (_, tail: string, name: string) => {
    const encoded = encodeURIComponent(parameters[name] ?? '');
    return tail === '' ? encoded : encoded.replaceAll('%2F', '/');
  });
}

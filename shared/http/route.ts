import type { z } from 'zod';
import type { Access } from './access.ts';
import type { FailureCode } from '../errors/errors.ts';
import type { Rollcall } from '../app/rollcall.ts';

/** A request, independent of the HTTP framework. */
export type ApiRequest = {
  method: string;
  /** The path of the URL, encoded and without the query. */
  path: string;
  /** The name of the route; it does not depend on the spelling of the path. */
  route: string;
  /**
   * Identifies the caller by its principal in Microsoft Entra. With function keys, all callers are the same: ''.
   * @throws RollcallError not_authenticated
   */
  caller(): string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  header(name: string): string | undefined;
  /**
   * The bytes of the body. The body can be read repeatedly.
   * @throws RollcallError with the code `tooLarge` when the body is longer than `limit` bytes
   */
  body(limit: number, tooLarge: 'image_too_large' | 'body_too_large'): Promise<Uint8Array>;
};

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export type ApiAnswer = { status?: number; headers?: Record<string, string>; body: unknown };

/** The tags of the OpenAPI document, with their descriptions. */
export const tags = {
  service: 'The service itself',
  groups: 'Groups and people, and their deletion',
  images: 'Images and their states',
  answers: 'Who is on an image, and the results that were recorded',
} as const;

/** A row of the route table: method and path, purpose, access, the shapes of request and answer, and the handler. */
export type Route = {
  name: string;
  tag: keyof typeof tags;
  method: Method;
  /** Template of the path below `/api/`: `{name}` is one segment, `{*name}` one or more. */
  path: string;
  summary: string;
  access: Access;
  query?: z.ZodObject;
  /** Request headers that the route reads, with their descriptions. */
  headers?: Readonly<Record<string, string>>;
  body?: { json?: z.ZodType; pictures?: boolean };
  answer: { status: number; schema: z.ZodType | undefined };
  /** Other statuses of the answer that are not failures of the request. */
  alsoAnswers?: Readonly<Record<number, z.ZodType>>;
  failures: readonly FailureCode[];
  handle(request: ApiRequest, rollcall: Rollcall): Promise<ApiAnswer>;
};

/** Whether the route needs the tables, so that it fails with `other_version` when their version is another one. */
export function touchesStorage({ failures }: Route): boolean {
  return failures.includes('storage_unavailable');
}

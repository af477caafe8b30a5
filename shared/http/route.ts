import type { z } from 'zod';
import type { Access } from './access.ts';
import type { FailureCode } from '../errors/errors.ts';
import type { Rollcall } from '../app/rollcall.ts';

/** A request as any HTTP framework can give it. */
export type ApiRequest = {
  method: string;
  /** As it stands in the URL, without the query. */
  path: string;
  /** The name of the route, however its path is spelled. */
  route: string;
  /** Who asks, by the principal that Microsoft Entra vouches for; function keys tell no callers apart. @throws RollcallError not_authenticated */
  caller(): string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  header(name: string): string | undefined;
  /** May be read again. @throws RollcallError of this code when it is longer than so many bytes */
  body(limit: number, tooLarge: 'image_too_large' | 'body_too_large'): Promise<Uint8Array>;
};

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export type ApiAnswer = { status?: number; headers?: Record<string, string>; body: unknown };

/** What routes are about. */
export const tags = {
  service: 'The service itself',
  groups: 'Groups and persons, and their deletion',
  pictures: 'Pictures that were dropped',
  answers: 'Who is on a picture, and what was answered',
} as const;

/** A row of the route table: where, what for, what comes in, what goes out. */
export type Route = {
  name: string;
  tag: keyof typeof tags;
  method: Method;
  /** Below `/api/`. */
  path: string;
  summary: string;
  access: Access;
  query?: z.ZodObject;
  /** Headers that it heeds, and what for. */
  headers?: Readonly<Record<string, string>>;
  body?: { json?: z.ZodType; pictures?: boolean };
  answer: { status: number; schema: z.ZodType | undefined };
  /** Other statuses that are no failures of the request. */
  alsoAnswers?: Readonly<Record<number, z.ZodType>>;
  failures: readonly FailureCode[];
  handle(request: ApiRequest, rollcall: Rollcall): Promise<ApiAnswer>;
};

/** Whether it needs the tables, which have to be of this version. */
export function touchesStorage({ failures }: Route): boolean {
  return failures.includes('storage_unavailable');
}

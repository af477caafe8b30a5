import type { z } from 'zod';
import type { FailureCode } from '../errors.ts';
import type { Rollcall } from '../rollcall.ts';

/** A request as any HTTP framework can give it. */
export type ApiRequest = {
  method: string;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  header(name: string): string | undefined;
  /** @throws RollcallError image_too_large when it is longer than so many bytes */
  body(limit: number): Promise<Uint8Array>;
};

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

export type ApiAnswer = { status?: number; headers?: Record<string, string>; body: unknown };

/** A row of the route table: where, what for, what comes in, what goes out. */
export type Route = {
  name: string;
  method: Method;
  /** Below `/api/`. */
  path: string;
  summary: string;
  /** `open` needs no key. */
  access: 'open' | 'key';
  query?: z.ZodObject;
  body?: { json?: z.ZodType; pictures?: boolean };
  answer: { status: number; schema: z.ZodType | undefined };
  failures: readonly FailureCode[];
  handle(request: ApiRequest, rollcall: Rollcall): Promise<ApiAnswer>;
};

import type { FastifyRequest } from 'fastify';
import { faults } from '../faults.ts';

const longestName = 128;
const longestUserData = 16_384;
const longestFaceUserData = 1_024;
const longestStart = 64;
const largestPage = 1_000;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The query; a name that is given several times is the list of its values. */
export function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  const query = request.query as Record<string, string | string[]>;
  return Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]));
}

export function flag(query: Record<string, string | undefined>, name: string, otherwise: boolean): boolean {
  const value = query[name]?.toLowerCase();
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false') throw faults.badArgument(`'${name}' is invalid.`);
  return value === 'true';
}

export function mediaTypeOf(request: FastifyRequest): string | undefined {
  return request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
}

/** The JSON object that a request carries. A property that is null counts as absent. */
export function readJson(request: FastifyRequest): Record<string, unknown> {
  if (mediaTypeOf(request) !== 'application/json') throw faults.mediaType();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode((request.body ?? new Uint8Array()) as Uint8Array));
  } catch {
    throw faults.json();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw faults.body();
  return Object.fromEntries(Object.entries(value).filter(([, property]) => property !== null));
}

/** Characters, as the OpenAPI counts them, not the units of UTF-16. */
function lengthOf(text: string): number {
  return Array.from(text).length;
}

function optionalText(value: unknown): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw faults.body();
  return value;
}

export type Named = { name: string | undefined; userData: string | undefined };

export function readNamed(body: Record<string, unknown>): Named {
  const name = optionalText(body['name']);
  const userData = optionalText(body['userData']);
  if (name === '') throw faults.badArgument("'name' is empty.");
  if (name !== undefined && lengthOf(name) > longestName) throw faults.badArgument("'name' is too long.");
  return { name, userData: boundedUserData(userData, longestUserData) };
}

/** The v1.0 document lets a person go without a name; here, as in v1.2, it needs one. */
export function requiredName({ name }: Named): string {
  if (name === undefined) throw faults.badArgument("'name' is empty.");
  return name;
}

/** Absent properties stay; both absent is an error. */
export function patched(
  before: { name: string; userData: string | null },
  { name, userData }: Named,
): [string, string | null] {
  if (name === undefined && userData === undefined) {
    throw faults.badArgument("Both 'name' and 'userData' are empty.");
  }
  return [name ?? before.name, userData ?? before.userData];
}

export function readFaceUserData(value: unknown): string | undefined {
  return boundedUserData(optionalText(value), longestFaceUserData);
}

function boundedUserData(userData: string | undefined, most: number): string | undefined {
  if (userData !== undefined && lengthOf(userData) > most) {
    throw faults.badArgument("'userData' is too long.");
  }
  return userData;
}

export function readPage(request: FastifyRequest): [start: string, top: number] {
  const { start = '', top: text = String(largestPage) } = queryOf(request);
  if (start.length > longestStart) throw faults.badArgument("'start' is too long.");
  const top = readInteger(text);
  if (top === undefined || top < 1 || top > largestPage) throw faults.badArgument("'top' is invalid.");
  return [start, top];
}

/** A whole number in decimal digits; undefined for anything else. */
export function readInteger(text: string): number | undefined {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** A UUID as the service writes it, whatever case it came in. */
export function readUuid(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return uuid.test(text) ? text : undefined;
}

/** Answers leave out what has no value. */
export function withoutNull<Value extends object>(value: Value): Partial<Value> {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== null && part !== undefined),
  ) as Partial<Value>;
}

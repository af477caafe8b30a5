import { faults } from '../contract/faults.ts';
import type { Call } from './call.ts';

const longestName = 128;
const longestUserData = 16_384;
const longestFaceUserData = 1_024;
const longestStart = 64;
const largestPage = 1_000;
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

export function readFlag(
  query: Record<string, string | undefined>,
  name: string,
  otherwise: boolean,
): boolean {
  const value = query[name]?.toLowerCase();
  if (value === undefined) return otherwise;
  if (value !== 'true' && value !== 'false') throw faults.badArgument(`'${name}' is invalid.`);
  return value === 'true';
}

/** Unicode characters, the unit of the OpenAPI document, instead of UTF-16 units. */
function countCharacters(text: string): number {
  return Array.from(text).length;
}

function readOptionalText(value: unknown): string | undefined {
  if (value !== undefined && typeof value !== 'string') throw faults.body();
  return value;
}

export type Named = { name: string | undefined; userData: string | undefined };

export function readNamed(body: Record<string, unknown>): Named {
  const name = readOptionalText(body['name']);
  const userData = readOptionalText(body['userData']);
  if (name === '') throw faults.badArgument("'name' is empty.");
  if (name !== undefined && countCharacters(name) > longestName)
    throw faults.badArgument("'name' is too long.");
  return { name, userData: refuseLongUserData(userData, longestUserData) };
}

/** A person needs a name here as in v1.2, although the v1.0 document makes it optional. @throws FaceFault */
export function requireName({ name }: Named): string {
  if (name === undefined) throw faults.badArgument("'name' is empty.");
  return name;
}

/** The stored name and user data with the given ones in their place. @throws FaceFault when neither is given */
export function mergePatch(
  before: { name: string; userData: string | null },
  { name, userData }: Named,
): [string, string | null] {
  if (name === undefined && userData === undefined) {
    throw faults.badArgument("Both 'name' and 'userData' are empty.");
  }
  return [name ?? before.name, userData ?? before.userData];
}

export function readFaceUserData(value: unknown): string | undefined {
  return refuseLongUserData(readOptionalText(value), longestFaceUserData);
}

function refuseLongUserData(userData: string | undefined, most: number): string | undefined {
  if (userData !== undefined && countCharacters(userData) > most) {
    throw faults.badArgument("'userData' is too long.");
  }
  return userData;
}

export function readPage({ query }: Call): [start: string, top: number] {
  const { start = '', top: text = String(largestPage) } = query;
  if (start.length > longestStart) throw faults.badArgument("'start' is too long.");
  const top = readInteger(text);
  if (top === undefined || top < 1 || top > largestPage) throw faults.badArgument("'top' is invalid.");
  return [start, top];
}

/** Undefined for anything but a whole number in decimal digits. */
export function readInteger(text: string): number | undefined {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** The UUID in lower case; undefined for anything else. */
export function readUuid(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return uuid.test(text) ? text : undefined;
}

/** The Face API leaves out properties without a value. */
export function omitNull<Value extends object>(value: Value): Partial<Value> {
  return Object.fromEntries(
    Object.entries(value).filter(([, part]) => part !== null && part !== undefined),
  ) as Partial<Value>;
}

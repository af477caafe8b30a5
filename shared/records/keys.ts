import { createHash } from 'node:crypto';

/*
 * Names may hold anything, keys may not: row keys, session IDs and message IDs refuse / \ # ? and more than 128
 * characters. So each name becomes a letter and a base64url SHA-256, 44 characters. The letter also keeps an ID
 * from reading as a JSON number, which the Functions worker would parse.
 */
function hashed(letter: string, ...parts: string[]): string {
  return letter + createHash('sha256').update(parts.join('\n')).digest('base64url');
}

/** The person of a group; the same for every Unicode form of the name. */
export function personKeyOf(group: string, person: string): string {
  return hashed('p', group, person.normalize('NFC'));
}

/** A picture by its whole path, container first. */
export function imageKeyOf(image: string): string {
  return hashed('i', image);
}

/** The `userData` of a persisted face: the content of one picture. */
export function faceKeyOf(image: string, content: string): string {
  return hashed('f', image, content);
}

/** The rows of a group are spread over so many partitions, each with its share of the counters. */
const shards = 8;

/** The partition of a person (all of whose rows lie together) or of a probe. */
export function partitionOf(group: string, key: string): string {
  const first = Buffer.from(key.slice(1, 5), 'base64url')[0] ?? 0;
  return `${group}.${first % shards}`;
}

export function partitionsOf(group: string): string[] {
  return Array.from({ length: shards }, (_, shard) => `${group}.${shard}`);
}

const endOfTime = 9_999_999_999_999;

/** Sorts newest first: row keys are read in ascending order only. */
export function newestFirst(time: number): string {
  return String(endOfTime - time).padStart(13, '0');
}

export function oldestFirst(time: number): string {
  return String(time).padStart(13, '0');
}

import { createHash } from 'node:crypto';

/*
 * Names may contain any character, keys may not: row keys, session IDs and message IDs refuse / \ # ? and more than
 * 128 characters. Each name is therefore replaced by a letter and a base64url SHA-256, 44 characters in all. The letter
 * also prevents a key from looking like a JSON number, which the Functions worker would parse.
 */
function hashed(letter: string, ...parts: string[]): string {
  return letter + createHash('sha256').update(parts.join('\n')).digest('base64url');
}

/** The key of a person of a group; equal for every Unicode normalisation form of the name. */
export function personKeyOf(group: string, person: string): string {
  return hashed('p', group, person.normalize('NFC'));
}

/** The key of an image, from its whole path, container first. */
export function imageKeyOf(image: string): string {
  return hashed('i', image);
}

/** The `userData` of a persisted face: identifies one content of one image. */
export function faceKeyOf(image: string, content: string): string {
  return hashed('f', image, content);
}

/** Number of partitions over which the rows of a group are spread, each with its share of the counters. */
const shards = 8;

/** The partition of a person or of a probe; all rows of one person are in one partition. */
export function toPartition(group: string, key: string): string {
  const first = Buffer.from(key.slice(1, 5), 'base64url')[0] ?? 0;
  return `${group}.${first % shards}`;
}

export function toPartitions(group: string): string[] {
  return Array.from({ length: shards }, (_, shard) => `${group}.${shard}`);
}

const endOfTime = 9_999_999_999_999;

/** Row key part that sorts newest first, because row keys can be read in ascending order only. */
export function newestFirst(time: number): string {
  return String(endOfTime - time).padStart(13, '0');
}

export function oldestFirst(time: number): string {
  return String(time).padStart(13, '0');
}

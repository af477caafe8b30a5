import type { ImageRef } from '../messages/workQueues.ts';
import type { Stored, Write } from './entity.ts';
import type { ImageRecord } from './image.ts';
import { oldestFirst, toPartition } from './keys.ts';
import { prefixed, take, type Range } from './ranges.ts';
import type { Table } from './table.ts';

/** `openKey`: the row key in the index of open images; `reminder`: the row key of the reminder. */
export type ImageRow = ImageRecord & { openKey?: string; reminder?: string };

export function toImagePartition(ref: ImageRef): string {
  return toPartition(ref.group, ref.person ?? ref.image);
}

export function toImageRow(ref: ImageRef): string {
  return `i.${ref.person ?? ''}.${ref.image}`;
}

/** The rows of all images of a person. */
export function rangeOfPerson(group: string, person: string): Range {
  return prefixed(toPartition(group, person), `i.${person}.`);
}

export function toOpenKey(ref: ImageRef, openedAt: number): string {
  return `o.${ref.person}.${oldestFirst(openedAt)}.${ref.image}`;
}

/** The images that the reconciler of a person has to work on, oldest first. */
export async function loadOpenImages(
  table: Table,
  group: string,
  person: string,
  top: number,
): Promise<ImageRef[]> {
  const { partition, from, before } = prefixed(toPartition(group, person), `o.${person}.`);
  const rows = await take(table.range<ImageRef>(partition, from, before), top);
  return rows.map(({ value }) => value);
}

/** All images of a person in any state and generation. */
export async function* loadImagesOfPerson(
  table: Table,
  group: string,
  person: string,
): AsyncGenerator<ImageRecord> {
  const { partition, from, before } = rangeOfPerson(group, person);
  for await (const { value } of table.range<ImageRow>(partition, from, before)) yield value;
}

export function hasFace(image: ImageRecord | undefined): boolean {
  return image?.persisted !== undefined;
}

/** The writes of the index rows of an image: by state, and of open images. */
export function toIndexWrites(ref: ImageRef, before: ImageRow | undefined, after: ImageRow): Write[] {
  const rowKey = toImageRow(ref);
  const writes: Write[] = [];
  if (before?.state !== after.state) {
    if (before !== undefined) writes.push({ kind: 'remove', rowKey: `s.${before.state}.${rowKey}` });
    writes.push({ kind: 'put', rowKey: `s.${after.state}.${rowKey}`, value: { row: rowKey } });
  }
  if (before?.openKey !== after.openKey) {
    if (before?.openKey !== undefined) writes.push({ kind: 'remove', rowKey: before.openKey });
    if (after.openKey !== undefined) writes.push({ kind: 'put', rowKey: after.openKey, value: ref });
  }
  return writes;
}

/** The writes that delete the row of an image and its index rows. */
export function toRemovals({ rowKey, etag, value: { state, openKey } }: Stored<ImageRow>): Write[] {
  return [
    { kind: 'remove', rowKey, etag },
    { kind: 'remove', rowKey: `s.${state}.${rowKey}` },
    ...(openKey === undefined ? [] : [{ kind: 'remove' as const, rowKey: openKey }]),
  ];
}

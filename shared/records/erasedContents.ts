import type { Stored, Write } from './entity.ts';
import { groupGenerationOf, isEarlier, type Generation } from './generation.ts';
import type { ImageRecord } from './image.ts';
import { loadImagesOfPerson } from './imageRows.ts';
import { toPartition, toPartitions, personKeyOf } from './keys.ts';
import type { Living } from './people.ts';
import { prefixed } from './ranges.ts';
import { retryOnConflict, type Table } from './table.ts';

/** The generation of an image whose bytes are kept as a hash. */
type ErasedContent = { generation: Generation };

const hashesAtOnce = 1_000;

function toRowKey(content: string, person: string): string {
  return `c.${content}.${person}`;
}

/** Keeps the hashes of images of earlier generations until their erasure is over. Equal images leave one row. */
export function toContentWrites(images: readonly ImageRecord[]): Write[] {
  const generations = new Map(
    images.flatMap(({ content, person, group, generation }): [string, Generation][] => {
      if (content === undefined) return [];
      return [[toRowKey(content, person === undefined ? '' : personKeyOf(group, person)), generation]];
    }),
  );
  return [...generations].map(([rowKey, generation]) => ({ kind: 'put', rowKey, value: { generation } }));
}

/** Keeps the hash of a probe that is erased with a person, like those of the images of the person. */
export async function keepContent(
  table: Table,
  group: string,
  content: string,
  { key, generation }: { key: string; generation: Generation },
): Promise<void> {
  const write = { kind: 'put' as const, rowKey: toRowKey(content, key), value: { generation } };
  await table.write(toPartition(group, key), [write]);
}

/** The hashes of the bytes of erased images, which tell a late copy of such an image from a new one. */
export function createErasedContents(table: Table) {
  return {
    /** Whether an image of an earlier generation of a person that is being erased had these bytes. */
    async wasImageOfPerson(
      group: string,
      key: string,
      generation: Generation,
      content: string,
    ): Promise<boolean> {
      for await (const image of loadImagesOfPerson(table, group, key))
        if (image.content === content && isEarlier(image.generation, generation)) return true;
      const left = await table.get<ErasedContent>(toPartition(group, key), toRowKey(content, key));
      return left !== undefined && isEarlier(left.value.generation, generation);
    },

    /** Whether an image of an earlier generation of a group, whose rows are erased already, had these bytes. */
    async wasImageOfGroup({ group, generation }: Living, content: string): Promise<boolean> {
      for (const partition of toPartitions(group)) {
        const { from, before } = prefixed(partition, toRowKey(content, ''));
        for await (const { value } of table.range<ErasedContent>(partition, from, before))
          if (groupGenerationOf(value.generation) < generation) return true;
      }
      return false;
    },

    /** Drops the hashes that an erasure of a person or group kept, once it is over. */
    async forgetContents(
      group: string,
      key: string | undefined,
      isOld: (generation: Generation) => boolean,
    ): Promise<void> {
      const isOfThem = ({ rowKey, value }: Stored<ErasedContent>) =>
        isOld(value.generation) && (key === undefined || rowKey.endsWith(`.${key}`));
      for (const partition of key === undefined ? toPartitions(group) : [toPartition(group, key)]) {
        let after: string | undefined;
        do {
          const page = { top: hashesAtOnce, after };
          const read: { next?: string } = await retryOnConflict(() =>
            table.deleteWhere(prefixed(partition, 'c.'), page, isOfThem),
          );
          after = read.next;
        } while (after !== undefined);
      }
    },
  };
}

import { toNames, redact } from '../erasure/redact.ts';
import { inParallel } from '../records/parallel.ts';
import { placeOf } from '../images/imagePath.ts';
import type { Group } from '../records/groups.ts';
import { personKeyOf } from '../records/keys.ts';
import type { ImageRecords, Page } from '../records/imageRecords.ts';
import { stampedUntil } from '../records/generation.ts';
import type { ResultQuery, Results, StoredResult } from '../records/results.ts';

/** Results that are checked in parallel against the records of the people and images that they name. */
const resultsAtOnce = 16;

/** Reads stored results. People and images that were deleted since are left out, whether or not they are erased yet. */
export function createReadResults({
  results,
  imageRecords,
}: {
  results: Results;
  imageRecords: ImageRecords;
}) {
  async function asOfNow(group: Group, result: StoredResult): Promise<StoredResult | undefined> {
    const createdAt = Date.parse(result.createdAt);
    if (createdAt <= stampedUntil(group.deletedAt)) return undefined;
    const { persons, images } = toNames(result);
    const [living, there] = await Promise.all([
      Promise.all(
        persons.map(async (name) => {
          const key = personKeyOf(group.group, name);
          const person = await imageRecords.person(group, key);
          return person !== undefined && createdAt > stampedUntil(person.deletedAt) ? key : undefined;
        }),
      ),
      Promise.all(
        images.map(async (image) =>
          (await imageRecords.livingImage(group, placeOf(image).ref)) ? image : undefined,
        ),
      ),
    ]);
    const [named, shown] = [new Set(living), new Set(there)];
    return redact(result, { person: (key) => named.has(key), image: (image) => shown.has(image) });
  }

  return {
    async get(group: Group, id: string): Promise<StoredResult | undefined> {
      const result = await results.get(group.group, id);
      return result && asOfNow(group, result);
    },

    async list(group: Group, query: ResultQuery): Promise<Page<StoredResult>> {
      const { items, ...rest } = await results.list(group.group, query);
      const shown = await inParallel(items, resultsAtOnce, (result) => asOfNow(group, result));
      return { items: shown.filter((result) => result !== undefined), ...rest };
    },
  };
}

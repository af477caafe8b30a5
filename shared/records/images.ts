import type { ImageRef } from '../messages/workQueues.ts';
import { changeCounters, countChange } from './counters.ts';
import { upsert, type Write } from './entity.ts';
import { toContentWrites } from './erasedContents.ts';
import { groupGenerationOf, isEarlier } from './generation.ts';
import { isSettled, needsEnrollment, type ImageRecord } from './image.ts';
import {
  hasFace,
  loadImagesOfPerson,
  loadOpenImages,
  toIndexWrites,
  toOpenKey,
  toImagePartition,
  toImageRow,
  type ImageRow,
} from './imageRows.ts';
import { isListed, loadPerson, toPersonRow, withImage, type Living, type Person } from './people.ts';
import type { Reminders } from './reminders.ts';
import type { Table, Updated } from './table.ts';

type Transition = (image: ImageRecord | undefined) => ImageRecord | undefined;

/** Reads images, and changes an image together with its index rows, its reminder and the counts. */
export function createImages(table: Table, reminders: Reminders, now: () => number) {
  /**
   * An image that is not settled gets a reminder before its row is written, and loses the reminder after its settled
   * row is written, so that the resync always finds an unsettled image.
   */
  async function update(ref: ImageRef, transition: Transition): Promise<Updated<ImageRecord>> {
    const updated = await table.update<ImageRow>(
      toImagePartition(ref),
      toImageRow(ref),
      (row) => {
        const image = transition(row);
        return image === undefined || image === row
          ? image
          : withRowKeys(ref, image, row, { reminders, now });
      },
      async (after, before) => {
        if (after.reminder !== undefined && after.reminder !== before?.reminder)
          await reminders.add(after.reminder, ref);
        const counted = await countWrites(table, ref, after, before, now);
        const isOver = before !== undefined && isEarlier(before.generation, after.generation);
        const left = isOver ? toContentWrites([before]) : [];
        return counted && [...toIndexWrites(ref, before, after), ...left, ...counted];
      },
    );
    const { before, after, changed } = updated;
    if (changed && before?.reminder !== undefined && after?.reminder === undefined)
      await reminders.drop(before.reminder);
    return updated;
  }

  async function get(ref: ImageRef): Promise<ImageRecord | undefined> {
    return (await table.get<ImageRow>(toImagePartition(ref), toImageRow(ref)))?.value;
  }

  return {
    update,
    get,

    /** As `update`; resolves with the row as it is then. */
    change: async (ref: ImageRef, transition: Transition) => (await update(ref, transition)).after,

    /** The images that the reconciler of a person has to work on, oldest first. */
    openImages: (group: string, person: string, top: number) => loadOpenImages(table, group, person, top),

    /** All images of a person in any state and generation. */
    imagesOfPerson: (group: string, person: string) => loadImagesOfPerson(table, group, person),

    /** An image that answers may name: not removed, and of the present generation of its group and person. */
    async livingImage(group: Living, ref: ImageRef): Promise<ImageRecord | undefined> {
      const image = await get(ref);
      if (image === undefined || image.state === 'removed') return undefined;
      if (ref.person === undefined)
        return groupGenerationOf(image.generation) === group.generation ? image : undefined;
      const person = await loadPerson(table, group, ref.person);
      return person?.generation === image.generation ? image : undefined;
    },
  };
}

/** An open image is in an index, and an image that is not settled has a reminder. */
function withRowKeys(
  ref: ImageRef,
  image: ImageRecord,
  before: ImageRow | undefined,
  { reminders, now }: { reminders: Reminders; now: () => number },
): ImageRow {
  const { openKey: _openKey, reminder: _reminder, ...rest }: ImageRow = image;
  return {
    ...rest,
    ...(needsEnrollment(rest) &&
      ref.person !== undefined && { openKey: before?.openKey ?? toOpenKey(ref, now()) }),
    ...(!isSettled(rest) && { reminder: before?.reminder ?? reminders.newKey() }),
  };
}

/** The writes of the counts that an image changes; undefined for a new image of a generation that is over. */
async function countWrites(
  table: Table,
  ref: ImageRef,
  after: ImageRow,
  before: ImageRow | undefined,
  now: () => number,
): Promise<Write[] | undefined> {
  const countsAsBefore =
    before?.state === after.state &&
    before.generation === after.generation &&
    hasFace(before) === hasFace(after);
  if (countsAsBefore) return [];
  const partition = toImagePartition(ref);
  const count = (morePersons: number) =>
    changeCounters(table, partition, (counters) => ({
      ...countChange(counters, before, after),
      persons: counters.persons + morePersons,
    }));
  // A path without a person: a probe, or an image at a path where none can be enrolled.
  if (ref.person === undefined) return [await count(0)];
  const rowKey = toPersonRow(ref.person);
  const person = await table.get<Person>(partition, rowKey);
  // An image of an earlier generation counts for the group until it is erased; then its row never comes back.
  if (person !== undefined && isEarlier(after.generation, person.value.generation))
    return before === undefined ? undefined : [await count(0)];
  const counted = withImage(person?.value, ref.person, before, after, now());
  const more = Number(isListed(counted)) - Number(person !== undefined && isListed(person.value));
  return [await count(more), upsert(rowKey, person, counted)];
}

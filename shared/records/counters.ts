import { containers } from '../config/resources.ts';
import { imageStates, type ImageRecord, type ImageState } from './image.ts';
import { toPartitions } from './keys.ts';
import { upsert, type Write } from './entity.ts';
import type { Table } from './table.ts';

/** How many images are in each state. */
export type Counts = Record<ImageState, number>;

/**
 * The counts of one partition, or of a group. `persons`: how many people lists show; `faces`: how many images have a
 * face in Face that names their person, whatever state they are in.
 */
export type Counters = { images: Counts; probes: Counts; persons: number; faces: number };

const rowKey = 'counters';

export function noCounts(): Counts {
  return Object.fromEntries(imageStates.map((state) => [state, 0])) as Counts;
}

/** Counts an image in another state; `from` undefined: it was not counted; `to` undefined: it no longer is. */
export function moved(counts: Counts, from: ImageState | undefined, to: ImageState | undefined): Counts {
  const next = { ...counts };
  if (from !== undefined) next[from] -= 1;
  if (to !== undefined) next[to] += 1;
  return next;
}

/** Counts the change of one image; `before` undefined: it was not counted; `after` undefined: it no longer is. */
export function countChange(
  counters: Counters,
  before: ImageRecord | undefined,
  after: ImageRecord | undefined,
): Counters {
  const path = (after ?? before)?.image ?? '';
  const kind = path.startsWith(`${containers.identify}/`) ? 'probes' : 'images';
  return {
    ...counters,
    [kind]: moved(counters[kind], before?.state, after?.state),
    faces: counters.faces + Number(after?.persisted !== undefined) - Number(before?.persisted !== undefined),
  };
}

/** Whether no image of the group has a face in Face or may get one. Face cannot train such a group. */
export function isWithoutFaces({ images, faces }: Counters): boolean {
  return images.received + images.detected + faces === 0;
}

/** Reads the counters of a partition; resolves with the write that changes them. */
export async function changeCounters(
  table: Table,
  partition: string,
  change: (counters: Counters) => Counters,
): Promise<Write> {
  const row = await table.get<Counters>(partition, rowKey);
  return upsert(rowKey, row, change(row?.value ?? noCounters()));
}

/** As `changeCounters`, for `more` people that lists show. */
export function countPeople(table: Table, partition: string, more: number): Promise<Write> {
  return changeCounters(table, partition, (counters) => ({ ...counters, persons: counters.persons + more }));
}

/** The counts of a group. */
export async function loadCounts(table: Table, group: string): Promise<Counters> {
  const rows = await Promise.all(
    toPartitions(group).map((partition) => table.get<Counters>(partition, rowKey)),
  );
  const all = rows.flatMap((row) => (row === undefined ? [] : [row.value]));
  return {
    images: sum(all.map(({ images }) => images)),
    probes: sum(all.map(({ probes }) => probes)),
    persons: all.reduce((total, { persons }) => total + persons, 0),
    faces: all.reduce((total, { faces }) => total + faces, 0),
  };
}

function noCounters(): Counters {
  return { images: noCounts(), probes: noCounts(), persons: 0, faces: 0 };
}

function sum(all: readonly Counts[]): Counts {
  const total = noCounts();
  for (const counts of all) for (const state of imageStates) total[state] += counts[state];
  return total;
}

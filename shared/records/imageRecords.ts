import { loadCounts } from './counters.ts';
import { createErasedContents } from './erasedContents.ts';
import { createErasing } from './erasing.ts';
import { createImages } from './images.ts';
import { createListing } from './listing.ts';
import { createPeople } from './people.ts';
import type { Reminders } from './reminders.ts';
import type { Table } from './table.ts';

export type { Counters as GroupCounts } from './counters.ts';
export type { ImageQuery } from './listing.ts';
export type { Person } from './people.ts';
export type { Page } from './ranges.ts';

export type ImageRecords = ReturnType<typeof createImageRecords>;

/**
 * The image records: every image is in exactly one state. Rows of one partition, written together or not at all:
 *
 *   i.{person}.{image}          the record of an image; a probe has no person
 *   s.{state}.{row}             index by state
 *   o.{person}.{time}.{image}   index of the images that a person's reconciler has to work on, oldest first
 *   p.{person}                  the person, with the counts of its images in its present generation
 *   d.{person}                  a person whose earlier generation is being erased
 *   c.{content}.{person}        hash of the bytes of an image of an earlier generation, until its erasure is over
 *   counters                    this partition's share of the group's counts
 */
export function createImageRecords(table: Table, reminders: Reminders, now: () => number) {
  return {
    ...createImages(table, reminders, now),
    ...createPeople(table),
    ...createErasing(table, reminders),
    ...createErasedContents(table),
    ...createListing(table),
    counts: (group: string) => loadCounts(table, group),
  };
}

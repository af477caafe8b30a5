import { containers } from '../config/resources.ts';
import type { Erasure } from '../records/erasure.ts';
import { deleteBlobs } from './blobs.ts';
import {
  forgetFaceIds,
  forgetIdempotencyRecords,
  forgetResults,
  forgetUntrainedFaces,
  rowsAtATime,
} from './forget.ts';
import type { EraseOptions } from './options.ts';
import type { Slice, Steps } from './steps.ts';
import { templatesExpireAt } from './templates.ts';

/** The steps that erase a group, in the order in which they run. */
export function groupSteps(options: EraseOptions): Steps {
  return {
    groupInFace: (erasure) => deleteInFace(options, erasure),
    rows: (erasure) => eraseRows(options, erasure),
    // The blobs are deleted after the rows, so that the event of a deleted blob finds no row and does nothing.
    pictures: (erasure) => deleteBlobs(options, containers.enroll, `${erasure.group}/`, erasure),
    probes: (erasure) => deleteBlobs(options, containers.identify, `${erasure.group}/`, erasure),
    faceIds: (erasure) => forgetFaceIds(options, erasure),
    untrainedFaces: (erasure) => forgetUntrainedFaces(options, erasure),
    results: (erasure) => forgetResults(options, erasure),
    idempotencyRecords: (erasure) => forgetIdempotencyRecords(options, erasure),
    facePersons: (erasure) => dropFacePersons(options, erasure),
  };
}

async function deleteInFace({ faceGroups }: EraseOptions, { group }: Erasure): Promise<Slice> {
  await faceGroups.deleteStale(group);
  return {};
}

async function eraseRows(options: EraseOptions, { group, after }: Erasure): Promise<Slice> {
  const { groups, imageRecords } = options;
  const { generation = 0 } = (await groups.row(group)) ?? {};
  const { next, received, ...erased } = await imageRecords.eraseGroup({ group, generation }, after);
  return {
    erased,
    templatesExpireAt: templatesExpireAt(options, received),
    areRowsErased: next === undefined,
    next,
  };
}

/** Drops one page of the names of people from earlier group epochs (`faceGroupEpoch`). */
async function dropFacePersons({ groups }: EraseOptions, { group, after }: Erasure): Promise<Slice> {
  const { faceGroupEpoch: present = 0 } = (await groups.row(group)) ?? {};
  return groups.dropFacePersons(
    group,
    { top: rowsAtATime, after },
    ({ faceGroupEpoch }) => faceGroupEpoch < present,
  );
}

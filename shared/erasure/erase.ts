import type { FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { FaceGroups } from '../enrollment/faceGroup.ts';
import { deletedGroup } from '../enrollment/groups.ts';
import { codeOf, RollcallError, deferredForMs } from '../errors/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { WorkQueues, PersonKey } from '../messages/workQueues.ts';
import { inParallel } from '../records/parallel.ts';
import { placeOf } from '../images/imagePath.ts';
import type { ListedImage, ImageStore } from '../images/imageStore.ts';
import type { Erasure } from '../records/erasure.ts';
import type { Erasures } from '../records/erasures.ts';
import { goneAfterExpiryMs, type FaceIds } from '../records/faceIds.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { IdempotencyRecords } from '../records/idempotency.ts';
import type { ImageRecords, Person } from '../records/imageRecords.ts';
import {
  groupGenerationOf,
  isEarlier,
  generationBefore,
  stampedUntil,
  type Generation,
} from '../records/generation.ts';
import { retryOnConflict, WriteConflict } from '../records/table.ts';
import type { Results } from '../records/results.ts';
import type { Trainings } from '../records/trainings.ts';
import { containers } from '../config/resources.ts';
import type { Settings } from '../config/settings.ts';
import type { Training } from '../training/machine.ts';
import { faceIdsOf, isBestOf, isImageOf, namesOf, redact } from './redact.ts';
import { advance, type Slice, type Steps } from './steps.ts';

export type EraseOptions = {
  /** Enqueues an image whose blob version is not in its image record. */
  enqueueIfUnseen: (listed: Pick<ListedImage, 'image' | 'etag'>) => Promise<void>;
  erasures: Erasures;
  groups: Groups;
  imageRecords: ImageRecords;
  imageStore: ImageStore;
  faceIds: FaceIds;
  untrainedFaces: UntrainedFaces;
  results: Results;
  idempotencyRecords: IdempotencyRecords;
  trainings: Trainings<Training>;
  face: FaceClient;
  faceGroups: FaceGroups;
  groupChanged: (group: string) => Promise<Training>;
  workQueues: WorkQueues;
  settings: Pick<Settings, 'FACE_ID_LIFETIME_SECONDS'>;
  log: Log;
  now: () => number;
};

const longestWorkMs = 20_000;
const rows = 500;
const imagesAtATime = 200;
const probesAtATime = 50;
/** Enqueued in parallel at most: for each blob a whole image may be held in memory. */
const arrivalsAtATime = 4;
/**
 * Limit for each kind of work in one call of `remind`. Every resync enqueues an open erasure again until it is
 * finished.
 */
const openAtMost = 50;
const shortestComeBackMs = 2_000;
const longestComeBackMs = 60_000;

export type Erase = ReturnType<typeof createErase>;

/**
 * Deletes groups and people completely: blobs, faces in Face, rows, face IDs, results.
 *
 * A request raises the generation of the group or person in one write: from then on no answer names the group or
 * person, and work of the earlier generation ends without creating anything. The data of the earlier generation is
 * erased in steps that can be repeated and can go on in any instance. The steps of a person run within the session of
 * that person, as the adds of faces do, so no face is added during the erasure. All steps run in two passes. For a
 * person, a training that began after the faces were deleted must then have succeeded. The record of the erasure is
 * kept, without a name, as the proof of the deletion.
 */
export function createErase(options: EraseOptions) {
  const { erasures, groups, imageRecords, imageStore, face, workQueues, now } = options;

  const until = ({ deletedAt }: Erasure): number => stampedUntil(deletedAt);

  /**
   * Deletes one page of the blobs below a prefix that were written no later than the deletion. Later blobs whose
   * version is not in an image record are enqueued: the reconcile erases a blob with the same bytes as an erased image.
   */
  async function blobs(prefix: string, { deletedAt }: Erasure, after: string | undefined): Promise<Slice> {
    const { listed, next } = await list(prefix, after);
    const old = listed.filter(({ writtenAt }) => writtenAt <= deletedAt);
    const removed = await Promise.all(old.map(({ image, etag }) => imageStore.remove(image, etag)));
    await arrive(listed, deletedAt);
    return { erased: { blobs: removed.filter(Boolean).length }, ...(next === undefined ? {} : { next }) };
  }

  async function laterBlobs(
    prefix: string,
    { deletedAt }: Erasure,
    after: string | undefined,
  ): Promise<Slice> {
    const { listed, next } = await list(prefix, after);
    await arrive(listed, deletedAt);
    return next === undefined ? {} : { next };
  }

  async function list(prefix: string, after: string | undefined) {
    const [container = ''] = prefix.split('/', 1);
    const below = prefix.slice(container.length + 1);
    const { images: listed, next } = await imageStore.list(container, imagesAtATime, after, below);
    return { listed, next };
  }

  async function arrive(listed: readonly ListedImage[], deletedAt: number): Promise<void> {
    const later = listed.filter(({ writtenAt }) => writtenAt > deletedAt);
    await inParallel(later, arrivalsAtATime, options.enqueueIfUnseen);
  }

  /**
   * An image in the state `received` may have been detected by a function that ended before it stored the face IDs.
   * Face may then keep the templates for one face ID lifetime from now, plus a margin.
   */
  function templatesOf(received: number): Pick<Slice, 'templatesExpireAt'> {
    const lifetimeMs = options.settings.FACE_ID_LIFETIME_SECONDS * 1_000;
    return received === 0 ? {} : { templatesExpireAt: now() + lifetimeMs + goneAfterExpiryMs };
  }

  function groupSteps(name: string): Steps {
    return {
      async groupInFace() {
        await options.faceGroups.deleteStale(name);
        return {};
      },
      async rows(_erasure, after) {
        const { generation = 0 } = (await groups.row(name)) ?? {};
        const { next, received, ...erased } = await imageRecords.eraseGroup(
          { group: name, generation },
          after,
        );
        return {
          erased,
          ...templatesOf(received),
          ...(next === undefined ? { areRowsErased: true as const } : { next }),
        };
      },
      // The blobs are deleted after the rows, so that the event of a deleted blob finds no row and does nothing.
      pictures: (erasure, after) => blobs(`${containers.enroll}/${name}/`, erasure, after),
      probes: (erasure, after) => blobs(`${containers.identify}/${name}/`, erasure, after),
      async faceIds(erasure, after) {
        const { dropped, expireAt, next } = await options.faceIds.forget(
          name,
          { top: rows, after },
          ({ detectedAt }) => detectedAt <= until(erasure),
        );
        return {
          erased: { faceIds: dropped },
          templatesExpireAt: expireAt,
          ...(next === undefined ? {} : { next }),
        };
      },
      async untrainedFaces(erasure, after) {
        const { next } = await options.untrainedFaces.forget(
          name,
          { top: rows, after },
          ({ addedAt }) => addedAt <= until(erasure),
        );
        return next === undefined ? {} : { next };
      },
      async results(erasure, after) {
        const { changed, next } = await options.results.forget(name, { top: rows, after }, (result) =>
          Date.parse(result.createdAt) <= until(erasure) ? undefined : result,
        );
        return { erased: { results: changed }, ...(next === undefined ? {} : { next }) };
      },
      async idempotencyRecords(erasure, after) {
        const { next } = await options.idempotencyRecords.forget(
          name,
          { top: rows, after },
          ({ claimedAt }) => claimedAt <= until(erasure),
        );
        return next === undefined ? {} : { next };
      },
      facePersons: (_erasure, after) => facePersons(name, after),
    };
  }

  /** Drops one page of the names of people from earlier group epochs (`faceGroupEpoch`). */
  async function facePersons(name: string, after: string | undefined): Promise<Slice> {
    const { faceGroupEpoch: present = 0 } = (await groups.row(name)) ?? {};
    const { next } = await groups.dropFacePersons(
      name,
      { top: rows, after },
      ({ faceGroupEpoch }) => faceGroupEpoch < present,
    );
    return next === undefined ? {} : { next };
  }

  /**
   * Reads one page of the results that name a person. Deletes each result in which the person is the best candidate of
   * a face, with the probe of the result and the face IDs of that probe.
   */
  async function probesOf(
    { group, key, person, generation }: Person,
    erasure: Erasure,
    after: string | undefined,
  ): Promise<Slice> {
    const { items, next } = await options.results.list(group, { person, top: probesAtATime, after });
    const erased = { blobs: 0, pictures: 0, faceIds: 0, results: 0 };
    let templatesExpireAt = 0;
    for (const result of items) {
      if (Date.parse(result.createdAt) > until(erasure) || !isBestOf(result, key)) continue;
      if (result.image?.startsWith(`${containers.identify}/`) === true) {
        const { ref } = placeOf(result.image);
        erased.blobs += await removeProbe(result.image, erasure);
        const { pictures, received } = await imageRecords.eraseProbe(ref, {
          key,
          generation: generationBefore(generation),
        });
        erased.pictures += pictures;
        templatesExpireAt = Math.max(templatesExpireAt, templatesOf(received).templatesExpireAt ?? 0);
      }
      const { dropped, expireAt } = await options.faceIds.drop(group, faceIdsOf(result));
      erased.faceIds += dropped;
      templatesExpireAt = Math.max(templatesExpireAt, expireAt);
      // The result is deleted last: as long as the result exists, a repeated step finds its probe.
      erased.results += await options.results.drop(group, result.id);
    }
    return {
      erased,
      templatesExpireAt,
      ...(next === undefined ? { areRowsErased: true as const } : { next }),
    };
  }

  /** Deletes the blob of a probe. A blob that was written to the path after the deletion, and not answered, is kept. */
  async function removeProbe(image: string, { deletedAt }: Erasure): Promise<number> {
    const [photo, picture] = await Promise.all([
      imageStore.version(image),
      imageRecords.get(placeOf(image).ref),
    ]);
    if (photo === undefined || (photo.writtenAt > deletedAt && photo.etag !== picture?.etag)) return 0;
    return Number(await imageStore.remove(image, photo.etag));
  }

  /** Whether the image is a probe without an image record. False for an image that is not a probe. */
  async function isErasedProbe(image: string): Promise<boolean> {
    if (!image.startsWith(`${containers.identify}/`)) return false;
    return (await imageRecords.get(placeOf(image).ref)) === undefined;
  }

  function personSteps(group: string, row: Person): Steps {
    const { key, person, generation } = row;
    const blobsOf = (name: string, erasure: Erasure, after: string | undefined): Promise<Slice> =>
      blobs(`${containers.enroll}/${group}/${name}/`, erasure, after);
    const [composed, decomposed] = [person.normalize('NFC'), person.normalize('NFD')];
    return {
      composedNames: (erasure, after) => blobsOf(composed, erasure, after),
      decomposedNames: async (erasure, after) =>
        composed === decomposed ? {} : blobsOf(decomposed, erasure, after),
      otherNames: async ({ deletedAt }) => ({
        erased: { blobs: await blobsOfRows(group, key, generation, deletedAt) },
      }),
      personInFace: (erasure) => deleteInFace(group, key, generation, erasure),
      probes: async (erasure, after) => (erasure.withProbes === true ? probesOf(row, erasure, after) : {}),
      // Probes that were uploaded before it was known which bytes are erased are reconciled again.
      laterProbes: async (erasure, after) =>
        erasure.withProbes === true ? laterBlobs(`${containers.identify}/${group}/`, erasure, after) : {},
      async rows() {
        const { pictures, faces, received, more } = await imageRecords.erasePerson(group, key, generation);
        return { erased: { pictures, faces }, ...templatesOf(received), ...(more ? { next: 'more' } : {}) };
      },
      async faceIds(erasure, after) {
        const { dropped, expireAt, next } = await options.faceIds.forget(
          group,
          { top: rows, after },
          async ({ image = '', detectedAt }) =>
            detectedAt <= until(erasure) &&
            (isImageOf(image, key) || (erasure.withProbes === true && (await isErasedProbe(image)))),
        );
        return {
          erased: { faceIds: dropped },
          templatesExpireAt: expireAt,
          ...(next === undefined ? {} : { next }),
        };
      },
      async untrainedFaces(erasure, after) {
        const { next } = await options.untrainedFaces.forget(
          group,
          { top: rows, after },
          ({ ref, addedAt }) => ref.person === key && addedAt <= until(erasure),
        );
        return next === undefined ? {} : { next };
      },
      async results(erasure, after) {
        const { changed, next } = await options.results.forget(
          group,
          { top: rows, after },
          async (result) => {
            if (Date.parse(result.createdAt) > until(erasure)) return result;
            const gone = new Set<string>();
            if (erasure.withProbes === true)
              for (const image of namesOf(result).images) if (await isErasedProbe(image)) gone.add(image);
            return redact(result, {
              person: (other) => other !== key,
              image: (image) => !isImageOf(image, key) && !gone.has(image),
            });
          },
          key,
        );
        return { erased: { results: changed }, ...(next === undefined ? {} : { next }) };
      },
    };
  }

  /**
   * Deletes the blobs of the image records of a person. A blob path may hold the name of the person in another spelling
   * than NFC and NFD, whose prefixes are listed.
   */
  async function blobsOfRows(
    group: string,
    key: string,
    present: Generation,
    deletedAt: number,
  ): Promise<number> {
    let removed = 0;
    for await (const { image, generation } of imageRecords.imagesOfPerson(group, key)) {
      if (generation === present) continue;
      const photo = await imageStore.version(image);
      if (photo === undefined) continue;
      if (photo.writtenAt > deletedAt) await options.enqueueIfUnseen({ image, etag: photo.etag });
      else if (await imageStore.remove(image, photo.etag)) removed += 1;
    }
    return removed;
  }

  /**
   * Deletes every person in Face that the erased rows name. Face deletes the faces of the person too, and an add that
   * is still under way finds no person.
   */
  async function deleteInFace(
    group: string,
    key: string,
    present: Generation,
    { begun: begunBefore }: Erasure,
  ): Promise<Slice> {
    const row = await imageRecords.personRow(group, key);
    const personIds = new Set(row?.erasures?.personIds);
    for await (const { generation, persisted, orphanedFaces, intents } of imageRecords.imagesOfPerson(
      group,
      key,
    )) {
      if (generation === present) continue;
      for (const { personId } of [...intents, ...orphanedFaces]) personIds.add(personId);
      if (persisted !== undefined) personIds.add(persisted.personId);
    }
    if (row?.personId !== undefined) personIds.delete(row.personId);
    let isChanged = personIds.size > 0 && begunBefore === undefined;
    for (const personId of personIds) {
      isChanged = (await deletePersonInFace(group, personId)) || isChanged;
      await groups.dropFacePerson(group, personId);
    }
    return isChanged ? { begun: (await options.groupChanged(group)).begun } : {};
  }

  /** True when Face had the person, false when Face answers 404. */
  async function deletePersonInFace(group: string, personId: string): Promise<boolean> {
    try {
      await face.deletePerson(group, personId);
      return true;
    } catch (error) {
      if (isFaceError(error, 404)) return false;
      throw error;
    }
  }

  /** Whether a training that began after the faces were deleted has succeeded, or the group has no training in Face. */
  async function isTrainedWithout({ group, begun }: Erasure): Promise<boolean> {
    const training = await options.trainings.get(group);
    if (begun === undefined || training?.lastTrainedAt === undefined) return true;
    return (training.lastSucceeded ?? 0) > begun;
  }

  function comeBackTo({ requestedAt }: Erasure): number {
    const pause = Math.max(shortestComeBackMs, (now() - requestedAt) / 4);
    return now() + Math.min(pause, longestComeBackMs);
  }

  async function deleteGroup(name: string, condition?: (group: Group | undefined) => void): Promise<Erasure> {
    const group = await groups.get(name);
    condition?.(group);
    const deletedAt = await imageStore.now();
    if (group === undefined) {
      const row = await groups.change(name, (current) => current && askedAgain(current, deletedAt));
      const erasure = await lastOf(row?.erasures);
      if (erasure === undefined) throw new RollcallError('group_not_found');
      await workQueues.enqueueErasure(name);
      return erasure;
    }
    const { settingsVersion } = group;
    const erasure = await erasures.open(
      { group: name, ...(condition === undefined ? {} : { settingsVersion }) },
      deletedAt,
    );
    const after = await groups.change(name, (current) => current && ended(current, erasure));
    if (after?.erasures?.includes(erasure.id) !== true) return overtaken(erasure);
    await workQueues.enqueueErasure(name);
    return erasure;
  }

  async function deletePerson(name: string, key: string, withProbes: boolean): Promise<Erasure> {
    const group = await groups.get(name);
    if (group === undefined) throw new RollcallError('group_not_found');
    const deletedAt = await imageStore.now();
    if ((await imageRecords.person(group, key)) === undefined) {
      const row = await imageRecords.changePerson(name, key, (current) => askedAgain(current, deletedAt));
      const erasure = await lastOf(row?.erasures?.ids);
      if (erasure === undefined) throw new RollcallError('person_not_found');
      await workQueues.enqueuePerson({ group: name, person: key });
      return erasure;
    }
    const erasure = await erasures.open(
      { group: name, person: key, ...(withProbes ? { withProbes: true as const } : {}) },
      deletedAt,
    );
    // `probeErasures` is written before the person is deleted: from then on every probe that is written or touched is
    // compared with the erased ones.
    if (withProbes) await groups.change(name, (row) => row && takingProbes(row, erasure.id));
    if (!(await imageRecords.deletePerson(group, key, erasure.id, deletedAt))) return overtaken(erasure);
    await workQueues.enqueuePerson({ group: name, person: key });
    return erasure;
  }

  async function lastOf(ids: readonly string[] = []): Promise<Erasure | undefined> {
    const last = ids.at(-1);
    return last === undefined ? undefined : erasures.get(last);
  }

  /**
   * Withdraws the erasure of a request that deleted nothing because a concurrent request was faster. Resolves with the
   * erasure when the resync has already completed it in place of the request.
   * @throws WriteConflict to repeat the request
   */
  async function overtaken({ id, group, withProbes }: Erasure): Promise<Erasure> {
    if (withProbes === true) await groups.change(group, (row) => row && notTakingProbes(row, [id]));
    const over = await erasures.withdraw(id);
    if (over === undefined) throw new WriteConflict('Another request was faster.');
    return over;
  }

  /**
   * The last of the open erasures of a person does the work of all of them, so `withProbes` of an earlier one is handed
   * on to the last.
   */
  async function handOnProbes(name: string, ids: readonly string[], last: string): Promise<void> {
    const earlier = await Promise.all(ids.map((id) => erasures.get(id)));
    if (!earlier.some((erasure) => erasure?.withProbes === true)) return;
    await groups.change(name, (group) => group && notTakingProbes(takingProbes(group, last), ids));
    await erasures.change(last, (erasure) =>
      erasure.withProbes === true ? erasure : { ...fromTheStart(erasure), withProbes: true },
    );
  }

  /**
   * Advances the erasure of a person. Resolves with the time of the next reconcile in milliseconds since 1970, or
   * Infinity when none is needed.
   */
  async function erasePerson({ group, person: key }: PersonKey): Promise<number> {
    const person = await imageRecords.personRow(group, key);
    const ids = person?.erasures?.ids ?? [];
    const last = ids.at(-1);
    if (person === undefined || last === undefined) return Infinity;
    return whenTurnComes(last, async () => {
      await erasures.change(last, (erasure) => takingAllUntil(erasure, person.deletedAt));
      await handOnProbes(group, ids.slice(0, -1), last);
      const steps = personSteps(group, person);
      const went = await advance(erasures, last, steps, { now, endAt: now() + longestWorkMs });
      if (went !== 'over') return went;
      const erasure = await erasures.get(last);
      if (erasure !== undefined && !(await isTrainedWithout(erasure))) return comeBackTo(erasure);
      if (!(await imageRecords.personErased(person))) return now();
      await closed(ids, erasure, person.generation);
      return Infinity;
    });
  }

  /** Advances the erasure of a group, and enqueues it again if it is not over. */
  async function eraseGroup(name: string): Promise<void> {
    const { erasures: ids = [], deletedAt } = (await groups.row(name)) ?? {};
    const last = ids.at(-1);
    if (last === undefined) return;
    const comeBackAt = await whenTurnComes(last, async () => {
      await erasures.change(last, (erasure) => takingAllUntil(erasure, deletedAt));
      const went = await advance(erasures, last, groupSteps(name), { now, endAt: now() + longestWorkMs });
      if (went !== 'over') return went;
      const erasure = await erasures.get(last);
      const row = await groups.change(name, (group) => {
        if (group?.erasures?.join() !== ids.join() || group.deletedAt !== deletedAt) return group;
        const { erasures: _erasures, ...rest } = group;
        return rest;
      });
      if (row?.erasures !== undefined) return now();
      await closed(ids, erasure, String(row?.generation ?? 0));
      return Infinity;
    });
    if (comeBackAt < Infinity) await workQueues.enqueueErasure(name, Math.max(0, comeBackAt - now()));
  }

  /**
   * Runs `work` and resolves with the time of the next reconcile. An erasure at a step that this version of the app
   * does not have is left to the version that began it.
   */
  async function whenTurnComes(id: string, work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      const deferredMs = deferredForMs(error);
      if (deferredMs !== undefined) return now() + deferredMs;
      const erasure = codeOf(error) === 'other_version' ? await erasures.get(id) : undefined;
      if (erasure === undefined) throw error;
      options.log.warn('a deletion waits for the version that began it', error);
      return comeBackTo(erasure);
    }
  }

  /** Completes the erasures `ids`, whose work `last` has done. `generation`: the earliest that is not erased. */
  async function closed(
    ids: readonly string[],
    last: Erasure | undefined,
    generation: Generation,
  ): Promise<void> {
    if (last === undefined) return;
    const { group, person } = last;
    await groups.change(group, (row) => row && notTakingProbes(row, ids));
    await imageRecords.forgetContents(group, person, (other) =>
      person === undefined
        ? groupGenerationOf(other) < groupGenerationOf(generation)
        : isEarlier(other, generation),
    );
    for (const id of ids) await erasures.removed(id, last);
  }

  return {
    /**
     * `condition` may throw to reject the deletion. With a `condition`, only the settings version that the condition
     * saw is deleted.
     * @throws RollcallError group_not_found, precondition_failed
     */
    deleteGroup: (name: string, condition?: (group: Group | undefined) => void): Promise<Erasure> =>
      retryOnConflict(() => deleteGroup(name, condition)),

    /** @throws RollcallError group_not_found, person_not_found */
    deletePerson: (name: string, key: string, withProbes = false): Promise<Erasure> =>
      retryOnConflict(() => deletePerson(name, key, withProbes)),
    erasePerson,
    eraseGroup,

    /**
     * Called by the resync. Enqueues open erasures: the message of an erasure may have been lost, or its request may
     * have ended before it marked anything as deleted. Finishes erasures whose last template has expired in Face, and
     * drops the rows of deleted people that were kept for late messages.
     */
    async remind(): Promise<void> {
      await erasures.finishExpired(openAtMost);
      await erasures.dropTombstones(openAtMost, ({ group, person, deletedAt }) =>
        imageRecords.dropTombstone(group, person, deletedAt),
      );
      for (const { id, group, person } of await erasures.listOpen(openAtMost)) {
        const erasure = await erasures.get(id);
        if (erasure === undefined) continue;
        await mark(erasure);
        if (person === undefined) await workQueues.enqueueErasure(group);
        else await workQueues.enqueuePerson({ group, person });
      }
    },
  };

  /** Marks the group or person of an open erasure as deleted, in case the request ended before it did so. */
  async function mark(erasure: Erasure): Promise<void> {
    const { id, group: name, person: key, deletedAt } = erasure;
    const row = await (key === undefined
      ? groups.change(name, (group) => group && ended(group, erasure))
      : groups.row(name));
    if (key !== undefined && row !== undefined) {
      if (erasure.withProbes === true) await groups.change(name, (group) => group && takingProbes(group, id));
      await imageRecords.deletePerson(row, key, id, deletedAt);
    }
    const person = key === undefined ? undefined : await imageRecords.personRow(name, key);
    const open = [...(row?.erasures ?? []), ...(person?.erasures?.ids ?? [])];
    if (open.includes(id)) return;
    if (key === undefined && row !== undefined && isAlive(row, erasure)) await erasures.withdraw(id);
    // The person or group was already deleted, with its group or by another request: this erasure is over when the
    // other one is.
    else if (open.length === 0)
      await closed([id], erasure, person?.generation ?? String(row?.generation ?? 0));
  }
}

/** Whether the row is still the generation of the group that the erasure is about: not deleted, and not a later one. */
function isAlive({ isDeleted = false, deletedAt = -1 }: Group, erasure: Erasure): boolean {
  return !isDeleted && deletedAt < erasure.deletedAt;
}

/**
 * The row of the group after its deletion. Returns the given row when the erasure was already applied, the generation
 * has already ended, or the settings version is not the one that the request was about.
 */
function ended(group: Group, erasure: Erasure): Group {
  if (group.erasures?.includes(erasure.id) === true) return group;
  if (!isAlive(group, erasure) || isAnother(group, erasure)) return group;
  return deletedGroup(group, erasure.id, erasure.deletedAt);
}

function takingProbes(group: Group, id: string): Group {
  const { probeErasures = [] } = group;
  return probeErasures.includes(id) ? group : { ...group, probeErasures: [...probeErasures, id] };
}

function notTakingProbes(group: Group, ids: readonly string[]): Group {
  const { probeErasures = [], ...rest } = group;
  const left = probeErasures.filter((id) => !ids.includes(id));
  if (left.length === probeErasures.length) return group;
  return left.length === 0 ? rest : { ...rest, probeErasures: left };
}

/** Whether the settings of the group have changed since a request that was about one settings version. */
function isAnother({ settingsVersion }: Group, erasure: Erasure): boolean {
  return erasure.settingsVersion !== undefined && erasure.settingsVersion !== settingsVersion;
}

/**
 * A deletion that is requested again while its erasure is open belongs to that erasure: `deletedAt` moves to the new
 * request, so that blobs that were written since are erased too.
 */
function askedAgain<Row extends Group | Person>(row: Row, deletedAt: number): Row {
  return row.isDeleted === true && row.erasures !== undefined ? { ...row, deletedAt } : row;
}

/** Restarts the erasure at its first step when the deletion was requested again at a later `deletedAt`. */
function takingAllUntil(erasure: Erasure, deletedAt = 0): Erasure {
  return erasure.deletedAt >= deletedAt ? erasure : { ...fromTheStart(erasure), deletedAt };
}

function fromTheStart({ after: _after, step: _step, ...erasure }: Erasure): Erasure {
  return { ...erasure, pass: 1, notBefore: 0 };
}

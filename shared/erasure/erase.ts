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
import type { Erasure, Erasures } from '../records/erasures.ts';
import { goneAfterExpiryMs, type FaceIds } from '../records/faceIds.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { Claims } from '../records/idempotency.ts';
import type { ImageRecords, Person } from '../records/imageRecords.ts';
import { groupGenerationOf, isEarlier, lifeBefore, stampedUntil, type Life } from '../records/generation.ts';
import { retryOnConflict, WriteConflict } from '../records/table.ts';
import type { Results } from '../records/results.ts';
import type { Trainings } from '../records/trainings.ts';
import { containers } from '../config/resources.ts';
import type { Settings } from '../config/settings.ts';
import type { Training } from '../training/machine.ts';
import { faceIdsOf, isBestOf, isImageOf, namesOf, redact } from './redact.ts';
import { advance, type Slice, type Steps } from './steps.ts';

export type EraseOptions = {
  /** Records this version of a blob, unless it is recorded. */
  enqueueIfUnseen: (listed: Pick<ListedImage, 'image' | 'etag'>) => Promise<void>;
  erasures: Erasures;
  groups: Groups;
  imageRecords: ImageRecords;
  imageStore: ImageStore;
  faceIds: FaceIds;
  untrainedFaces: UntrainedFaces;
  results: Results;
  claims: Claims;
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
/** Each may hold a whole picture. */
const arrivalsAtATime = 4;
/** The resync goes on with an erasure that it does not see finished, as often as it comes by. */
const openAtMost = 50;
const shortestComeBackMs = 2_000;
const longestComeBackMs = 60_000;

export type Erase = ReturnType<typeof createErase>;

/**
 * Deletes groups and persons, so that nothing of them is left: blobs, faces in Face, rows, face IDs, results.
 *
 * A request raises the life of the group or person in one write: from then on no answer names it, and work of the
 * earlier life ends without creating anything. What it leaves is erased in steps that can be repeated and go on
 * anywhere; a person's within the session of the person, where his faces are added too, so that none is added behind
 * our back. All is gone through twice; then a training must have succeeded that began after the faces went. The
 * record of the erasure stays, without a name: it is the proof.
 */
export function createErase(options: EraseOptions) {
  const { erasures, groups, imageRecords, imageStore, face, workQueues, now } = options;

  const until = ({ deletedAt }: Erasure): number => stampedUntil(deletedAt);

  /**
   * Deletes blobs below a prefix that were written until the deletion. Later ones arrive, as far as nobody has told of
   * them: those that hold the same as an erased one go then.
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

  /** Pictures that may have been detected a moment ago, by a function that died before it remembered their faces. */
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
      // After the rows: an event of a blob that went finds nothing to do.
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
      async claims(erasure, after) {
        const { next } = await options.claims.forget(
          name,
          { top: rows, after },
          ({ claimedAt }) => claimedAt <= until(erasure),
        );
        return next === undefined ? {} : { next };
      },
      facePersons: (_erasure, after) => facePersons(name, after),
    };
  }

  /** What is known of persons in earlier epochs of the group in Face. */
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
   * A slice of the results of a person in which he is the best candidate: they go, with the probes that they answer
   * and the face IDs of these.
   */
  async function probesOf(
    { group, key, person, life }: Person,
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
        const { pictures, received } = await imageRecords.eraseProbe(ref, { key, life: lifeBefore(life) });
        erased.pictures += pictures;
        templatesExpireAt = Math.max(templatesExpireAt, templatesOf(received).templatesExpireAt ?? 0);
      }
      const { dropped, expireAt } = await options.faceIds.drop(group, faceIdsOf(result));
      erased.faceIds += dropped;
      templatesExpireAt = Math.max(templatesExpireAt, expireAt);
      // Last: as long as it is there, its probe is found again.
      erased.results += await options.results.drop(group, result.id);
    }
    return {
      erased,
      templatesExpireAt,
      ...(next === undefined ? { areRowsErased: true as const } : { next }),
    };
  }

  /** Another picture that was written there since stays: it has not been answered. */
  async function removeProbe(image: string, { deletedAt }: Erasure): Promise<number> {
    const [photo, picture] = await Promise.all([
      imageStore.version(image),
      imageRecords.get(placeOf(image).ref),
    ]);
    if (photo === undefined || (photo.writtenAt > deletedAt && photo.etag !== picture?.etag)) return 0;
    return Number(await imageStore.remove(image, photo.etag));
  }

  /** Whether a probe has gone, or none is asked about. */
  async function isErasedProbe(image: string): Promise<boolean> {
    if (!image.startsWith(`${containers.identify}/`)) return false;
    return (await imageRecords.get(placeOf(image).ref)) === undefined;
  }

  function personSteps(group: string, row: Person): Steps {
    const { key, person, life } = row;
    const blobsOf = (name: string, erasure: Erasure, after: string | undefined): Promise<Slice> =>
      blobs(`${containers.enroll}/${group}/${name}/`, erasure, after);
    const [composed, decomposed] = [person.normalize('NFC'), person.normalize('NFD')];
    return {
      composedNames: (erasure, after) => blobsOf(composed, erasure, after),
      decomposedNames: async (erasure, after) =>
        composed === decomposed ? {} : blobsOf(decomposed, erasure, after),
      otherNames: async ({ deletedAt }) => ({
        erased: { blobs: await blobsOfRows(group, key, life, deletedAt) },
      }),
      personInFace: (erasure) => deleteInFace(group, key, life, erasure),
      probes: async (erasure, after) => (erasure.withProbes === true ? probesOf(row, erasure, after) : {}),
      // Those that came while it was not known what the erased ones were.
      laterProbes: async (erasure, after) =>
        erasure.withProbes === true ? laterBlobs(`${containers.identify}/${group}/`, erasure, after) : {},
      async rows() {
        const { pictures, faces, received, more } = await imageRecords.erasePerson(group, key, life);
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

  /** Names may be written in other ways than the two that are listed. */
  async function blobsOfRows(group: string, key: string, life: Life, deletedAt: number): Promise<number> {
    let removed = 0;
    for await (const { image, generation } of imageRecords.imagesOfPerson(group, key)) {
      if (generation === life) continue;
      const photo = await imageStore.version(image);
      if (photo === undefined) continue;
      if (photo.writtenAt > deletedAt) await options.enqueueIfUnseen({ image, etag: photo.etag });
      else if (await imageStore.remove(image, photo.etag)) removed += 1;
    }
    return removed;
  }

  /** With the person, Face deletes his faces, and an add that is still on its way finds no person. */
  async function deleteInFace(
    group: string,
    key: string,
    life: Life,
    { begun: begunBefore }: Erasure,
  ): Promise<Slice> {
    const row = await imageRecords.personRow(group, key);
    const personIds = new Set(row?.erasures?.personIds);
    for await (const { generation, persisted, orphanedFaces, intents } of imageRecords.imagesOfPerson(
      group,
      key,
    )) {
      if (generation === life) continue;
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

  /** True when Face had the person. */
  async function deletePersonInFace(group: string, personId: string): Promise<boolean> {
    try {
      await face.deletePerson(group, personId);
      return true;
    } catch (error) {
      if (isFaceError(error, 404)) return false;
      throw error;
    }
  }

  /** Whether a training succeeded that began after the faces went, or there is nothing trained any more. */
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
    // Before the person is deleted: from then on a probe that is touched is compared.
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
   * Another request was faster, so that this one has nothing to end, unless the resync did it in its place.
   * @throws WriteConflict to ask for the same again
   */
  async function overtaken({ id, group, withProbes }: Erasure): Promise<Erasure> {
    if (withProbes === true) await groups.change(group, (row) => row && notTakingProbes(row, [id]));
    const over = await erasures.withdraw(id);
    if (over === undefined) throw new WriteConflict('Another request was faster.');
    return over;
  }

  /** The last of the open erasures of a person does the work of all: it takes probes when one of them does. */
  async function handOnProbes(name: string, ids: readonly string[], last: string): Promise<void> {
    const earlier = await Promise.all(ids.map((id) => erasures.get(id)));
    if (!earlier.some((erasure) => erasure?.withProbes === true)) return;
    await groups.change(name, (group) => group && notTakingProbes(takingProbes(group, last), ids));
    await erasures.change(last, (erasure) =>
      erasure.withProbes === true ? erasure : { ...fromTheStart(erasure), withProbes: true },
    );
  }

  /** Goes on with what is to be erased of a person. Resolves with when to come back (never: Infinity). */
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
      await closed(ids, erasure, person.life);
      return Infinity;
    });
  }

  /** Goes on with what is to be erased of a group. */
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

  /** Resolves with when to come back: what this version does not know is left to another. */
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

  /** `life`: the earliest that is not erased. */
  async function closed(ids: readonly string[], last: Erasure | undefined, life: Life): Promise<void> {
    if (last === undefined) return;
    const { group, person } = last;
    await groups.change(group, (row) => row && notTakingProbes(row, ids));
    await imageRecords.forgetContents(group, person, (other) =>
      person === undefined ? groupGenerationOf(other) < groupGenerationOf(life) : isEarlier(other, life),
    );
    for (const id of ids) await erasures.removed(id, last);
  }

  return {
    /**
     * `condition` may object to the group that is there; the deletion is then of exactly the version that it saw.
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
     * Queues erasures whose message may have been lost, or whose request died before it marked anything. Finishes
     * those of which Face has thrown away the last template, and drops what was kept for late work.
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

  /** Does what was asked for by a request that died half-way. */
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
    // Gone already, with its group or by another request: it is over when that one is.
    else if (open.length === 0) await closed([id], erasure, person?.life ?? String(row?.generation ?? 0));
  }
}

/** Whether the group lives that was to be deleted, and not one that began after that moment. */
function isAlive({ isDeleted = false, deletedAt = -1 }: Group, erasure: Erasure): boolean {
  return !isDeleted && deletedAt < erasure.deletedAt;
}

/** The group without the life that an erasure is about; the same when that has ended, or is not what was asked about. */
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

/** Whether the group has changed since a request that was about one version of it. */
function isAnother({ settingsVersion }: Group, erasure: Erasure): boolean {
  return erasure.settingsVersion !== undefined && erasure.settingsVersion !== settingsVersion;
}

/** A deletion that is asked for again while it goes on is the same one, and takes what was written since. */
function askedAgain<Row extends Group | Person>(row: Row, deletedAt: number): Row {
  return row.isDeleted === true && row.erasures !== undefined ? { ...row, deletedAt } : row;
}

/** It starts again when it was asked for again. */
function takingAllUntil(erasure: Erasure, deletedAt = 0): Erasure {
  return erasure.deletedAt >= deletedAt ? erasure : { ...fromTheStart(erasure), deletedAt };
}

function fromTheStart({ after: _after, step: _step, ...erasure }: Erasure): Erasure {
  return { ...erasure, pass: 1, notBefore: 0 };
}

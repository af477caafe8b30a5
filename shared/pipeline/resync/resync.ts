import { deferredForMs } from '../../errors/errors.ts';
import type { QueueClient } from '@azure/storage-queue';
import { z } from 'zod';
import type { Erase } from '../../erasure/erase.ts';
import type { OrphanedPersons } from '../../enrollment/orphanedPersons.ts';
import type { Log } from '../../telemetry/log.ts';
import type { DeadLetters } from '../../messages/deadLetters.ts';
import type { WorkQueues } from '../../messages/workQueues.ts';
import type { ImageReconciler } from '../reconcileImage.ts';
import { placeOf } from '../../images/imagePath.ts';
import type { ImageStore } from '../../images/imageStore.ts';
import type { FaceIds } from '../../records/faceIds.ts';
import type { UntrainedFaces } from '../../records/untrainedFaces.ts';
import type { Group, Groups } from '../../records/groups.ts';
import type { Claims } from '../../records/idempotency.ts';
import type { ImageRecords } from '../../records/imageRecords.ts';
import type { LostFaces } from '../../records/lostFaces.ts';
import { faceLost, isSettled, needsEnrollment } from '../../records/image.ts';
import type { Reminders } from '../../records/reminders.ts';
import type { Results } from '../../records/results.ts';
import { WriteConflict, type Table } from '../../records/table.ts';
import type { Trainings } from '../../records/trainings.ts';
import { containers, deadLetterLifetimeSeconds } from '../../config/resources.ts';
import type { Settings } from '../../config/settings.ts';
import type { GroupReconciler } from '../reconcileGroup.ts';
import type { Training } from '../../training/machine.ts';

export type ResyncOptions = {
  imageStore: ImageStore;
  imageRecords: ImageRecords;
  groups: Groups;
  reminders: Reminders;
  trainings: Trainings<Training>;
  lostFaces: LostFaces;
  orphanedPersons: OrphanedPersons;
  faceIds: FaceIds;
  untrainedFaces: UntrainedFaces;
  results: Results;
  claims: Claims;
  cursors: Table;
  workQueues: WorkQueues;
  deadLetters: Pick<DeadLetters, 'dropSentBefore'>;
  imageReconciler: ImageReconciler;
  erase: Pick<Erase, 'remind'>;
  reconsider: () => Promise<void>;
  groupReconciler: GroupReconciler;
  poison: QueueClient;
  settings: Pick<
    Settings,
    'RESULT_RETENTION_DAYS' | 'PROBE_RETENTION_DAYS' | 'FACE_ID_LIFETIME_SECONDS' | 'SWEEP_GRACE_SECONDS'
  >;
  log: Log;
  now: () => number;
};

/** Where the search for orphaned persons is; absent fields: at the beginning. */
type OrphanCursor = { afterGroup?: string; after?: string; restsUntil?: number };

/** How much one resync looks at; what is left waits for the next one. */
const slice = {
  reminders: 200,
  trainings: 200,
  poison: 32,
  images: 250,
  records: 100,
  groups: 20,
  expired: 1_000,
} as const;
const dayMs = 86_400_000;
/** The client has no limit of its own on a connection that looks open and is dead. */
const queueCallMs = 10_000;
const inTime = (): AbortSignal => AbortSignal.timeout(queueCallMs);
/** So long after its turn a picture may still be at work. */
const turnMs = 30_000;

/**
 * Finds what no message announced: every message may be lost, since rows hold what it was about. Each
 * part does a bounded slice and goes on from there the next time; one that fails does not keep the others.
 */
export function createResync(options: ResyncOptions) {
  const { imageStore, imageRecords, groups, reminders, trainings, workQueues, imageReconciler, log, now } =
    options;

  /** Pictures that stopped half-way. */
  async function forgottenImages(): Promise<void> {
    for (const reminder of await reminders.due(slice.reminders)) {
      const { ref } = reminder;
      const picture = await imageRecords.get(ref);
      if (picture === undefined || isSettled(picture)) {
        await reminders.drop(reminder.key);
        continue;
      }
      // A deferred image has a message of its own; a second one would have it detected twice.
      const { waitsUntil = 0 } = picture;
      if (waitsUntil > now() - turnMs) {
        await reminders.putOff(reminder, waitsUntil);
        continue;
      }
      if (picture.state === 'received') await workQueues.enqueueImage(ref);
      if (needsEnrollment(picture) && ref.person !== undefined) {
        await workQueues.enqueuePerson({ group: ref.group, person: ref.person });
      }
      await reminders.postpone(reminder);
    }
  }

  /** Faces that Face has lost, the group or the person having been deleted there by somebody else. */
  async function lostFaces(): Promise<void> {
    for (const { group, after, etag } of await options.lostFaces.list(slice.groups)) {
      const page = await imageRecords.listImages(group, { top: slice.records, after });
      for (const { image } of page.items) await enrollAnew(group, image);
      // Lost again meanwhile: the next resync begins anew.
      await options.lostFaces.advance(group, etag, page.next).catch((error: unknown) => {
        if (!(error instanceof WriteConflict)) throw error;
      });
    }
  }

  async function enrollAnew(group: string, image: string): Promise<void> {
    const { ref } = placeOf(image);
    const [picture, row] = await Promise.all([imageRecords.get(ref), groups.get(group)]);
    const person = row && (await imageRecords.person(row, ref.person ?? ''));
    const lostWith = picture?.persisted?.personId;
    if (lostWith === undefined) return;
    if (lostWith === person?.personId && person.faceGroupEpoch === row?.faceGroupEpoch) return;
    await imageRecords.change(ref, (current) => current && faceLost(current, lostWith, now()));
    await workQueues.enqueueImage(ref);
  }

  /** Persons in Face that no row names: a page of a group at a time, and once through all groups a day. */
  async function orphanedPersons(): Promise<void> {
    // Nothing can be orphaned on the first run.
    const cursor = (await options.cursors.get<OrphanCursor>('cursors', 'orphans'))?.value;
    if (cursor === undefined) return moveOrphanCursor({ restsUntil: now() + dayMs });
    if ((cursor.restsUntil ?? 0) > now()) return;
    const [group] = (await groups.list({ top: 1, after: cursor.afterGroup })).items;
    const next: OrphanCursor =
      group === undefined ? { restsUntil: now() + dayMs } : await afterPageOf(group, cursor);
    await moveOrphanCursor(next);
  }

  async function moveOrphanCursor(value: OrphanCursor): Promise<void> {
    await options.cursors.write('cursors', [{ kind: 'put', rowKey: 'orphans', value }]);
  }

  async function afterPageOf({ group, inFace }: Group, cursor: OrphanCursor): Promise<OrphanCursor> {
    if (!inFace) return { afterGroup: group };
    try {
      const after = await options.orphanedPersons.deleteSome(group, cursor.after);
      return after === undefined ? { afterGroup: group } : { ...cursor, after };
    } catch (error) {
      // The quota is needed for other things now.
      if (deferredForMs(error) !== undefined) return cursor;
      throw error;
    }
  }

  /** Groups with changes that no training covers. */
  async function forgottenTrainings(): Promise<void> {
    for (const group of await trainings.open(slice.trainings))
      await options.groupReconciler.enqueueIfOpen(group);
  }

  /** Pictures that the trigger gave up on. */
  async function poisonedImages(): Promise<void> {
    if (!(await options.poison.exists({ abortSignal: inTime() }))) return;
    const { receivedMessageItems } = await options.poison.receiveMessages({
      numberOfMessages: slice.poison,
      abortSignal: inTime(),
    });
    for (const message of receivedMessageItems) {
      const image = imageOfPoison(message.messageText);
      if (image === undefined) log.error('a message of the poison queue cannot be read and is dropped');
      else await imageReconciler.markPoisoned(image);
      await options.poison.deleteMessage(message.messageId, message.popReceipt, { abortSignal: inTime() });
    }
  }

  /** Pictures whose event never came, or came when nobody listened. */
  async function unannouncedImages(container: string): Promise<void> {
    const cursor = await options.cursors.get<{ next?: string }>('cursors', container);
    const { imageStore: listed, next } = await imageStore.list(container, slice.images, cursor?.value.next);
    const keptSince = now() - options.settings.PROBE_RETENTION_DAYS * dayMs;
    const writtenBefore = now() - options.settings.SWEEP_GRACE_SECONDS * 1_000;
    for (const { image, etag, writtenAt } of listed) {
      // A younger one may still be on its way.
      if (writtenAt > writtenBefore) continue;
      // Its removal goes the way of any other.
      if (
        container === containers.identify &&
        writtenAt < keptSince &&
        (await imageStore.remove(image, etag))
      )
        continue;
      await imageReconciler.enqueueIfUnseen({ image, etag });
    }
    await moveCursor(container, next);
  }

  /** Pictures whose blob went without an event. */
  async function unannouncedRemovals(): Promise<void> {
    const cursor = await options.cursors.get<{ next?: string; after?: string }>('cursors', 'images');
    const { items, next } = await groups.list({ top: 1, after: cursor?.value.next });
    const [group] = items;
    if (group === undefined) return moveCursor('images', undefined);
    const page = await imageRecords.listImages(group.group, {
      top: slice.records,
      after: cursor?.value.after,
    });
    for (const { image, state } of page.items) {
      if (state !== 'removed' && (await imageStore.version(image)) === undefined)
        await imageReconciler.enqueue(image);
    }
    if (page.next === undefined) return moveCursor('images', next);
    await options.cursors.write('cursors', [
      { kind: 'put', rowKey: 'images', value: { next: cursor?.value.next, after: page.next } },
    ]);
  }

  /** Face IDs past their lifetime and results past their retention. */
  async function expiredRecords(): Promise<void> {
    const cursor = await options.cursors.get<{ next?: string }>('cursors', 'expired');
    const { items, next } = await groups.list({ top: slice.groups, after: cursor?.value.next });
    for (const { group } of items) {
      await options.faceIds.dropExpired(
        group,
        options.settings.FACE_ID_LIFETIME_SECONDS * 1_000,
        slice.expired,
      );
      const { lastSucceeded } = (await trainings.get(group)) ?? {};
      if (lastSucceeded !== undefined)
        await options.untrainedFaces.dropCovered(group, lastSucceeded, slice.expired);
      await options.results.dropOlderThan(
        group,
        options.settings.RESULT_RETENTION_DAYS * dayMs,
        slice.expired,
      );
    }
    await moveCursor('expired', next);
  }

  /** Keys of requests that died before they answered: a slice of one group. */
  async function abandonedClaims(): Promise<void> {
    const cursor = await options.cursors.get<{ next?: string; after?: string }>('cursors', 'claims');
    const { items, next } = await groups.list({ top: 1, after: cursor?.value.next });
    const [group] = items;
    if (group === undefined) return moveCursor('claims', undefined);
    const { claims } = options;
    const query = { top: slice.expired, after: cursor?.value.after };
    const page = await claims.forget(group.group, query, claims.isAbandoned);
    if (page.next === undefined) return moveCursor('claims', next);
    await options.cursors.write('cursors', [
      { kind: 'put', rowKey: 'claims', value: { next: cursor?.value.next, after: page.next } },
    ]);
  }

  /** Once a day. */
  async function oldDeadLetters(): Promise<void> {
    const cursor = await options.cursors.get<{ restsUntil: number }>('cursors', 'deadLetters');
    if ((cursor?.value.restsUntil ?? 0) > now()) return;
    await options.deadLetters.dropSentBefore(now() - deadLetterLifetimeSeconds * 1_000);
    await options.cursors.write('cursors', [
      { kind: 'put', rowKey: 'deadLetters', value: { restsUntil: now() + dayMs } },
    ]);
  }

  async function moveCursor(name: string, next: string | undefined): Promise<void> {
    await options.cursors.write('cursors', [
      { kind: 'put', rowKey: name, value: next === undefined ? {} : { next } },
    ]);
  }

  return {
    async run(): Promise<void> {
      const jobs = [
        forgottenImages,
        lostFaces,
        orphanedPersons,
        forgottenTrainings,
        options.erase.remind,
        options.reconsider,
        poisonedImages,
        () => unannouncedImages(containers.enroll),
        () => unannouncedImages(containers.identify),
        unannouncedRemovals,
        expiredRecords,
        abandonedClaims,
        oldDeadLetters,
      ];
      for (const job of jobs) {
        try {
          await job();
        } catch (error) {
          log.error('a job of the resync failed and is tried again by the next', error);
        }
      }
    },

    /** Trains every group that has ever been trained anew. */
    async retrain(): Promise<void> {
      const startedAt = now();
      for (let after: string | undefined; ;) {
        const page = await groups.list({ top: 100, after });
        for (const { group } of page.items) {
          const training = await trainings.get(group);
          if ((training?.lastTrainedAt ?? startedAt) < startedAt)
            await options.groupReconciler.trainNow(group);
        }
        if (page.next === undefined) return;
        after = page.next;
      }
    },
  };
}

const poisonMessage = z.object({ ContainerName: z.string(), BlobName: z.string() });

/** The real host encodes its queue messages in base64; the text tells. */
function imageOfPoison(text: string): string | undefined {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    try {
      const { ContainerName, BlobName } = poisonMessage.parse(JSON.parse(candidate));
      return `${ContainerName}/${BlobName}`;
    } catch {
      continue;
    }
  }
  return undefined;
}

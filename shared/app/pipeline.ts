import { createDetectForEnrollment } from '../enrollment/detectFace.ts';
import { policyOf } from '../enrollment/enrollmentPolicy.ts';
import { createFaceGroups, type FaceGroups } from '../enrollment/faceGroup.ts';
import { createFacePersons } from '../enrollment/facePersons.ts';
import { groupAwaited, groupFor } from '../enrollment/groups.ts';
import { createErase, type Erase } from '../erasure/erase.ts';
import { createErasedBlobs } from '../erasure/erasedBlobs.ts';
import { RollcallError } from '../errors/errors.ts';
import { createGroupReconciler, type GroupReconciler } from '../pipeline/reconcileGroup.ts';
import { createImageReconciler, type ImageReconciler } from '../pipeline/reconcileImage.ts';
import { reconcilePerson, type PersonReconcilerOptions } from '../pipeline/reconcilePerson.ts';
import type { PersonKey } from '../messages/workQueues.ts';
import { emptied } from '../training/machine.ts';
import type { FaceByPriority } from './face.ts';
import type { Identification } from './identification.ts';
import type { Context, Stores } from './stores.ts';

type Base = Context & { stores: Stores; face: FaceByPriority };

export type Pipeline = ReturnType<typeof createPipeline>;

/**
 * What changes Face: the three reconcilers and the erasure. An image enqueues its person, a person its group; the
 * erasure of a person is a part of the person's reconciliation.
 */
export function createPipeline(base: Base, identification: Identification) {
  const faceGroups = connectFaceGroups(base);
  const groupReconciler = connectGroups(base, faceGroups);
  const imageReconciler = connectImages(base, identification);
  const erase = connectErasure(base, { faceGroups, groupReconciler, imageReconciler });
  const personOptions = toPersonOptions(base, { faceGroups, groupReconciler, erase });
  return {
    imageReconciler,
    reconcilePerson: (key: PersonKey) => reconcilePerson(personOptions, key),
    groupReconciler,
    erase,
  };
}

function connectFaceGroups({ stores, face, settings, now }: Base): FaceGroups {
  return createFaceGroups({
    groups: stores.groups,
    imageRecords: stores.imageRecords,
    lostFaces: stores.lostFaces,
    forgetTraining: (group) => stores.trainings.change(group, emptied),
    face: face.background,
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    now,
  });
}

function connectGroups({ stores, face, settings, log, now }: Base, faceGroups: FaceGroups): GroupReconciler {
  return createGroupReconciler({
    trainings: stores.trainings,
    imageRecords: stores.imageRecords,
    face: face.interactive,
    emptyIfNoFaceIsLeft: faceGroups.emptyIfNoFaceIsLeft,
    groupLost: async (name) => {
      const group = await stores.groups.get(name);
      if (group?.inFace === true) await faceGroups.lost(name, group.faceGroupEpoch);
    },
    workQueues: stores.workQueues,
    debounce: {
      quietMs: settings.TRAIN_QUIET_SECONDS * 1_000,
      maxWaitMs: settings.TRAIN_MAX_WAIT_SECONDS * 1_000,
    },
    log,
    now,
  });
}

function connectImages(
  { stores, settings, log, now }: Base,
  { detect, identifyUpload }: Identification,
): ImageReconciler {
  const { groups, policyChanges, erasures, imageRecords, imageStore } = stores;
  const groupOptions = { groups, policyChanges, settings, now };
  return createImageReconciler({
    imageStore,
    imageRecords,
    workQueues: stores.workQueues,
    deadLetters: stores.deadLetters,
    detect: createDetectForEnrollment(detect, groups, settings),
    async identify({ group: name, image, etag }, bytes) {
      const group = await groups.get(name);
      if (group === undefined) throw new RollcallError('conflict', 'The group was deleted meanwhile.');
      await identifyUpload(group, { kind: 'bytes', bytes, image, version: etag }, { maxCandidates: 1 });
    },
    groups,
    erasedBlobs: createErasedBlobs({ erasures, groups, imageRecords, imageStore }),
    groupFor: (name, writtenAt) => groupFor(groupOptions, name, writtenAt),
    groupAwaited: (name, writtenAt) => groupAwaited(groupOptions, name, writtenAt),
    log,
    now,
  });
}

function connectErasure(
  { stores, face, settings, log, now }: Base,
  {
    faceGroups,
    groupReconciler,
    imageReconciler,
  }: { faceGroups: FaceGroups; groupReconciler: GroupReconciler; imageReconciler: ImageReconciler },
): Erase {
  return createErase({
    enqueueIfUnseen: imageReconciler.enqueueIfUnseen,
    erasures: stores.erasures,
    groups: stores.groups,
    imageRecords: stores.imageRecords,
    imageStore: stores.imageStore,
    faceIds: stores.faceIds,
    untrainedFaces: stores.untrainedFaces,
    results: stores.results,
    idempotencyRecords: stores.idempotencyRecords,
    trainings: stores.trainings,
    face: face.background,
    faceGroups,
    groupChanged: groupReconciler.groupChanged,
    workQueues: stores.workQueues,
    settings,
    log,
    now,
  });
}

function toPersonOptions(
  { stores, face, settings, log, now }: Base,
  {
    faceGroups,
    groupReconciler: { groupChanged },
    erase,
  }: { faceGroups: FaceGroups; groupReconciler: GroupReconciler; erase: Erase },
): PersonReconcilerOptions {
  const { groups, imageRecords, lostFaces } = stores;
  return {
    imageRecords,
    untrainedFaces: stores.untrainedFaces,
    imageStore: stores.imageStore,
    groups,
    face: face.background,
    facePersons: createFacePersons({
      imageRecords,
      groups,
      faceGroups,
      lostFaces,
      face: face.background,
      now,
    }),
    groupChanged,
    detectionModel: settings.DETECTION_MODEL,
    refusesSeveral: async (name) =>
      policyOf((await groups.get(name)) ?? {}, settings).severalFaces === 'reject',
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    erasePerson: erase.erasePerson,
    workQueues: stores.workQueues,
    deadLetters: stores.deadLetters,
    log,
    now,
  };
}

import { createErase } from '../erasure/erase.ts';
import { RollcallError } from '../errors/errors.ts';
import { createAddFace } from '../enrollment/addFace.ts';
import { createFaceGroups } from '../enrollment/faceGroup.ts';
import { createFacePersons } from '../enrollment/facePersons.ts';
import { groupAwaited, groupFor, putGroup, type GroupSettings } from '../enrollment/groups.ts';
import { createPersonReconciler } from '../pipeline/reconcilePerson.ts';
import { createOrphanedPersons } from '../enrollment/orphanedPersons.ts';
import type { Clients } from './clients.ts';
import { createFaceClients, type FaceClient } from '../face/client.ts';
import type { FaceTransportOptions } from '../face/transport.ts';
import { createHealth, healthQuestions } from './health.ts';
import { createCluster } from '../identification/cluster.ts';
import { createFindSimilar } from '../identification/findSimilar.ts';
import { createSearchBudget } from '../identification/searchBudget.ts';
import { createReadResults } from '../identification/readResults.ts';
import { createIdentify, type IdentificationOptions } from '../identification/identify.ts';
import { createVerify } from '../identification/verify.ts';
import type { Log } from '../telemetry/log.ts';
import { createDeadLetters } from '../messages/deadLetters.ts';
import { createWorkQueues } from '../messages/workQueues.ts';
import { createImageReconciler } from '../pipeline/reconcileImage.ts';
import { policyOf } from '../enrollment/enrollmentPolicy.ts';
import { createDetect, createDetectForEnrollment } from '../enrollment/detectFace.ts';
import { pathOfEvent } from '../images/blobEvent.ts';
import { deleteImage, uploadImage } from '../images/upload.ts';
import { fetchImage } from '../images/fetchImage.ts';
import { noGroup } from '../images/imagePath.ts';
import { createImageStore } from '../images/imageStore.ts';
import { createRateLimiter, type Priority } from '../quota/rateLimiter.ts';
import { createErasures } from '../records/erasures.ts';
import { createFaceIds } from '../records/faceIds.ts';
import { createUntrainedFaces } from '../records/untrainedFaces.ts';
import { createIdempotencyRecords } from '../records/idempotency.ts';
import { createGroups, type Group } from '../records/groups.ts';
import { createImageRecords } from '../records/imageRecords.ts';
import { listAcrossGroups } from '../records/listAcrossGroups.ts';
import { createLostFaces } from '../records/lostFaces.ts';
import { createPolicyChanges } from '../records/policyChanges.ts';
import { createReminders } from '../records/reminders.ts';
import { createResults } from '../records/results.ts';
import { createScheduleStore } from '../records/schedule.ts';
import { createTable } from '../records/table.ts';
import { createTrainings } from '../records/trainings.ts';
import { createVersionCheck } from '../records/version.ts';
import { poisonQueue, tables } from '../config/resources.ts';
import type { Settings } from '../config/settings.ts';
import { createReconsider } from '../pipeline/resync/reconsiderRejected.ts';
import { createRedrive } from '../pipeline/redrive.ts';
import { resync } from '../pipeline/resync/resync.ts';
import { retrain } from '../pipeline/resync/retrain.ts';
import type { ResyncOptions } from '../pipeline/resync/options.ts';
import { createBacklogMeasure } from './observers/observeBacklog.ts';
import { observeFace, observeRateLimiter } from './observers/observeFace.ts';
import { observeIdentify } from './observers/observeIdentify.ts';
import { observeImages } from './observers/observeImages.ts';
import { observeTrainings } from './observers/observeTrainings.ts';
import { emptied, isCovered, untrained } from '../training/machine.ts';
import { createGroupReconciler } from '../pipeline/reconcileGroup.ts';

export type RollcallOptions = {
  settings: Settings;
  clients: Clients;
  credential: FaceTransportOptions['credential'];
  log: Log;
  now?: () => number;
  /** Replaces the HTTP clients of Face. */
  face?: Record<Priority, FaceClient>;
};

export type Rollcall = ReturnType<typeof createRollcall>;

/** Wires the pipeline together and returns the operations that the functions call. */
export function createRollcall({
  settings,
  clients,
  credential,
  log,
  now = Date.now,
  face: givenFace,
}: RollcallOptions) {
  const table = (name: keyof typeof tables) => createTable(clients.table(tables[name]));
  const faceClients =
    givenFace ??
    createFaceClients({
      endpoint: settings.FACE_ENDPOINT,
      credential,
      limiter: observeRateLimiter(
        createRateLimiter({
          quota: settings.FACE_QUOTA,
          store: createScheduleStore(table('quota'), settings.FACE_ENDPOINT),
        }),
      ),
      timeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    });
  const face = {
    interactive: observeFace(faceClients.interactive, 'interactive'),
    background: observeFace(faceClients.background, 'background'),
  };

  const cursors = table('reminders');
  const reminders = createReminders(cursors, now);
  const imageRecords = observeImages(createImageRecords(table('images'), reminders, now), now);
  const groups = createGroups(table('groups'));
  const checkVersion = createVersionCheck(table('groups'));
  const lostFaces = createLostFaces(cursors);
  const policyChanges = createPolicyChanges(cursors);
  const faceIds = createFaceIds(table('faceIds'), now);
  const untrainedFaces = createUntrainedFaces(table('faceIds'), now);
  const erasures = createErasures(table('erasures'), now);
  const results = createResults(table('results'), now);
  const idempotencyRecords = createIdempotencyRecords(table('results'), now);
  const trainings = observeTrainings(
    createTrainings(table('trainings'), { initial: untrained, isOpen: (t) => !isCovered(t) }),
    now,
  );
  const workQueues = createWorkQueues(clients.serviceBus, now);
  const deadLetters = createDeadLetters(clients.serviceBus, log);
  const imageStore = createImageStore(clients.blobs);

  const faceGroups = createFaceGroups({
    groups,
    imageRecords,
    lostFaces,
    forgetTraining: (group) => trainings.change(group, emptied),
    face: face.background,
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    now,
  });
  const groupReconciler = createGroupReconciler({
    trainings,
    imageRecords,
    face: face.interactive,
    emptyIfNoFaceIsLeft: faceGroups.emptyIfNoFaceIsLeft,
    groupLost: async (name) => {
      const group = await groups.get(name);
      if (group?.inFace === true) await faceGroups.lost(name, group.faceGroupEpoch);
    },
    workQueues,
    debounce: {
      quietMs: settings.TRAIN_QUIET_SECONDS * 1_000,
      maxWaitMs: settings.TRAIN_MAX_WAIT_SECONDS * 1_000,
    },
    log,
    now,
  });

  const detect = {
    interactive: createDetect({ face: face.interactive, faceIds, settings, now }),
    background: createDetect({ face: face.background, faceIds, settings, now }),
  };
  const searchBudget = createSearchBudget(settings.FACE_QUOTA, now);
  const atPriority = (priority: 'interactive' | 'background'): IdentificationOptions => ({
    detect: detect[priority],
    face: face[priority],
    imageStore,
    faceIds,
    untrainedFaces,
    searchBudget,
    groups,
    imageRecords,
    results,
    training: trainings.get,
    now,
  });
  const identifyDropped = observeIdentify(createIdentify(atPriority('background')), trainings);
  const groupOptions = { groups, policyChanges, settings, now };
  const put = (name: string, wanted: GroupSettings, condition?: (group: Group | undefined) => void) =>
    putGroup({ ...groupOptions, imageRecords }, name, wanted, condition);

  const imageReconciler = createImageReconciler({
    imageStore,
    imageRecords,
    workQueues,
    deadLetters,
    detect: createDetectForEnrollment(detect.background, groups, settings),
    async identify({ group: name, image, etag }, bytes) {
      const group = await groups.get(name);
      if (group === undefined) throw new RollcallError('conflict', 'The group was deleted meanwhile.');
      await identifyDropped(group, { kind: 'bytes', bytes, image, version: etag }, { maxCandidates: 1 });
    },
    groups,
    erasures,
    groupFor: (name, writtenAt) => groupFor(groupOptions, name, writtenAt),
    groupAwaited: (name, writtenAt) => groupAwaited(groupOptions, name, writtenAt),
    log,
    now,
  });

  const facePersons = createFacePersons({
    imageRecords,
    groups,
    faceGroups,
    lostFaces,
    face: face.background,
    now,
  });
  const addFace = createAddFace({
    imageRecords,
    untrainedFaces,
    imageStore,
    face: face.background,
    facePersons,
    groupChanged: groupReconciler.groupChanged,
    detectionModel: settings.DETECTION_MODEL,
    refusesSeveral: async (name) =>
      policyOf((await groups.get(name)) ?? {}, settings).severalFaces === 'reject',
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    now,
  });
  const erase = createErase({
    enqueueIfUnseen: imageReconciler.enqueueIfUnseen,
    erasures,
    groups,
    imageRecords,
    imageStore,
    faceIds,
    untrainedFaces,
    results,
    idempotencyRecords,
    trainings,
    face: face.background,
    faceGroups,
    groupChanged: groupReconciler.groupChanged,
    workQueues,
    settings,
    log,
    now,
  });
  const reconcilePerson = createPersonReconciler({
    imageRecords,
    groups,
    face: face.background,
    addFace,
    groupChanged: groupReconciler.groupChanged,
    erasePerson: erase.erasePerson,
    workQueues,
    deadLetters,
    log,
    now,
  });

  const resyncOptions: ResyncOptions = {
    imageStore,
    imageRecords,
    groups,
    reminders,
    trainings,
    lostFaces,
    orphanedPersons: createOrphanedPersons({ groups, imageRecords, face: face.background, now }),
    faceIds,
    untrainedFaces,
    results,
    idempotencyRecords,
    cursors,
    workQueues,
    deadLetters,
    imageReconciler,
    erase,
    reconsiderRejected: createReconsider({ policyChanges, groups, imageRecords, workQueues, now }),
    groupReconciler,
    poison: clients.queues.getQueueClient(poisonQueue),
    settings,
    log,
    now,
  };

  const allImages = listAcrossGroups(groups, imageRecords, noGroup);

  return {
    log,
    /** Has to be called before any other operation. @throws RollcallError other_version */
    checkVersion,
    // Operations of the pipeline, in the order in which an image passes through them.
    reconcileImage: imageReconciler.reconcile,
    blobEvent: async (event: unknown) => {
      const path = pathOfEvent(event, clients.blobs.accountName);
      if (path !== undefined) await imageReconciler.reconcile(path);
    },
    reconcileQueuedImage: imageReconciler.reconcileQueued,
    reconcilePerson,
    eraseGroup: erase.eraseGroup,
    reconcileGroup: groupReconciler.reconcile,
    resync: () => resync(resyncOptions),
    retrain: () => retrain(resyncOptions),
    measureBacklog: createBacklogMeasure({ reminders, quota: settings.FACE_QUOTA, now }),
    // Operations of the HTTP API.
    identify: observeIdentify(createIdentify(atPriority('interactive')), trainings),
    findSimilar: createFindSimilar(atPriority('interactive')),
    verify: createVerify(atPriority('interactive')),
    cluster: createCluster({ face: face.interactive, faceIds, imageRecords, results }),
    uploadImage: (image: string, bytes: Uint8Array, type: string) =>
      uploadImage({ imageStore, imageRecords, groups, workQueues, now }, image, bytes, type),
    deleteImage: (image: string) =>
      deleteImage({ imageStore, imageRecords, reconcile: imageReconciler.reconcile }, image),
    putGroup: put,
    trainNow: groupReconciler.trainNow,
    deleteGroup: erase.deleteGroup,
    deletePerson: erase.deletePerson,
    allImages,
    redrive: createRedrive({
      imageRecords,
      allImages,
      workQueues,
      deadLetters,
      log,
      now,
    }),
    fetchImage: (url: string) => fetchImage(url),
    health: createHealth(healthQuestions({ clients, checkVersion, face: settings.FACE_ENDPOINT }), now),
    groups,
    imageRecords,
    trainings,
    erasures,
    idempotencyRecords,
    newResultId: results.newId,
    readResults: createReadResults({ results, imageRecords }),
  };
}

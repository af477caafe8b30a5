import { createErase } from '../erasure/erase.ts';
import { RollcallError } from '../errors/errors.ts';
import { createAddFace } from '../enrollment/addFace.ts';
import { createFaceGroups } from '../enrollment/faceGroup.ts';
import { createFacePersons } from '../enrollment/facePersons.ts';
import { groupAwaited, groupFor, putGroup, type GroupSettings } from '../enrollment/groups.ts';
import { createEnrollmentSession } from '../pipeline/reconcilePerson.ts';
import { createStrayPersons } from '../enrollment/orphanedPersons.ts';
import type { Clients } from './clients.ts';
import { createFaceClients, type FaceClient } from '../face/client.ts';
import type { FaceTransportOptions } from '../face/transport.ts';
import { createHealth, healthQuestions } from './health.ts';
import { createCluster } from '../identification/cluster.ts';
import { createFindSimilar } from '../identification/findSimilar.ts';
import { createFreshBudget } from '../identification/untrainedSearchBudget.ts';
import { createRecall } from '../identification/readResults.ts';
import { createIdentify, type IdentificationOptions } from '../identification/identify.ts';
import { createVerify } from '../identification/verify.ts';
import type { Log } from '../telemetry/log.ts';
import { createDeadLetters } from '../messages/deadLetters.ts';
import { createDoorbells } from '../messages/workQueues.ts';
import { createArrivals } from '../pipeline/reconcileImage.ts';
import { policyOf } from '../enrollment/enrollmentPolicy.ts';
import { createDetect, createDetectForEnrollment } from '../enrollment/detectFace.ts';
import { pathOfEvent } from '../images/blobEvent.ts';
import { deletePicture, dropPicture } from '../images/upload.ts';
import { fetchPicture } from '../images/fetchImage.ts';
import { noGroup } from '../images/imagePath.ts';
import { createPhotoStore } from '../images/imageStore.ts';
import { createQuotaGate, type Lane } from '../quota/rateLimiter.ts';
import { createErasures } from '../records/erasures.ts';
import { createFaceIds } from '../records/faceIds.ts';
import { createFreshFaces } from '../records/untrainedFaces.ts';
import { createClaims } from '../records/idempotency.ts';
import { createGroups, type Group } from '../records/groups.ts';
import { createLedger } from '../records/ledger.ts';
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
import { createSweep } from '../pipeline/resync/resync.ts';
import { createBacklogMeasure } from './observers/observeBacklog.ts';
import { observeFace, observeGate } from './observers/observeFace.ts';
import { observeIdentify } from './observers/observeIdentify.ts';
import { observeLedger } from './observers/observeImages.ts';
import { observeTrainings } from './observers/observeTrainings.ts';
import { emptied, isCovered, untrained } from '../training/machine.ts';
import { createTrainer } from '../pipeline/reconcileGroup.ts';

export type RollcallOptions = {
  settings: Settings;
  clients: Clients;
  credential: FaceTransportOptions['credential'];
  log: Log;
  now?: () => number;
  /** What stands in for Face over HTTP. */
  face?: Record<Lane, FaceClient>;
};

export type Rollcall = ReturnType<typeof createRollcall>;

/** Puts the pipeline together: what the functions call, in the order in which a photograph meets it. */
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
      gate: observeGate(
        createQuotaGate({
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
  const ledger = observeLedger(createLedger(table('pictures'), reminders, now), now);
  const groups = createGroups(table('groups'));
  const checkVersion = createVersionCheck(table('groups'));
  const lostFaces = createLostFaces(cursors);
  const policyChanges = createPolicyChanges(cursors);
  const faceIds = createFaceIds(table('faceIds'), now);
  const freshFaces = createFreshFaces(table('faceIds'), now);
  const erasures = createErasures(table('erasures'), now);
  const results = createResults(table('results'), now);
  const claims = createClaims(table('results'), now);
  const trainings = observeTrainings(
    createTrainings(table('trainings'), { initial: untrained, isOpen: (t) => !isCovered(t) }),
    now,
  );
  const doorbells = createDoorbells(clients.serviceBus, now);
  const deadLetters = createDeadLetters(clients.serviceBus);
  const photos = createPhotoStore(clients.blobs);

  const faceGroups = createFaceGroups({
    groups,
    ledger,
    lostFaces,
    forgetTraining: (group) => trainings.change(group, emptied),
    face: face.background,
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    now,
  });
  const trainer = createTrainer({
    trainings,
    ledger,
    face: face.interactive,
    emptyIfNoFaceIsLeft: faceGroups.emptyIfNoFaceIsLeft,
    groupLost: async (name) => {
      const group = await groups.get(name);
      if (group?.inFace === true) await faceGroups.lost(name, group.incarnation);
    },
    doorbells,
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
  const freshBudget = createFreshBudget(settings.FACE_QUOTA, now);
  const inLane = (lane: 'interactive' | 'background'): IdentificationOptions => ({
    detect: detect[lane],
    face: face[lane],
    photos,
    faceIds,
    freshFaces,
    freshBudget,
    groups,
    ledger,
    results,
    training: trainings.get,
    now,
  });
  const identifyDropped = observeIdentify(createIdentify(inLane('background')), trainings);
  const groupOptions = { groups, policyChanges, settings, now };
  const put = (name: string, wanted: GroupSettings, condition?: (group: Group | undefined) => void) =>
    putGroup({ ...groupOptions, ledger }, name, wanted, condition);

  const arrivals = createArrivals({
    photos,
    ledger,
    doorbells,
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
    ledger,
    groups,
    faceGroups,
    lostFaces,
    face: face.background,
    now,
  });
  const addFace = createAddFace({
    ledger,
    freshFaces,
    photos,
    face: face.background,
    facePersons,
    groupChanged: trainer.groupChanged,
    detectionModel: settings.DETECTION_MODEL,
    refusesSeveral: async (name) =>
      policyOf((await groups.get(name)) ?? {}, settings).severalFaces === 'reject',
    callTimeoutMs: settings.FACE_TIMEOUT_SECONDS * 1_000,
    now,
  });
  const erase = createErase({
    noticeVersion: arrivals.noticeVersion,
    erasures,
    groups,
    ledger,
    photos,
    faceIds,
    freshFaces,
    results,
    claims,
    trainings,
    face: face.background,
    faceGroups,
    groupChanged: trainer.groupChanged,
    doorbells,
    settings,
    log,
    now,
  });
  const session = createEnrollmentSession({
    ledger,
    groups,
    face: face.background,
    addFace,
    groupChanged: trainer.groupChanged,
    erasePerson: erase.erasePerson,
    doorbells,
    deadLetters,
    log,
    now,
  });

  const sweeper = createSweep({
    photos,
    ledger,
    groups,
    reminders,
    trainings,
    lostFaces,
    strayPersons: createStrayPersons({ groups, ledger, face: face.background, now }),
    faceIds,
    freshFaces,
    results,
    claims,
    cursors,
    doorbells,
    deadLetters,
    arrivals,
    erase,
    reconsider: createReconsider({ policyChanges, groups, ledger, doorbells, now }),
    trainer,
    poison: clients.queues.getQueueClient(poisonQueue),
    settings,
    log,
    now,
  });

  const allPictures = listAcrossGroups(groups, ledger, noGroup);

  return {
    log,
    /** Before anything is worked on. @throws RollcallError other_version */
    checkVersion,
    // What the pipeline does, in the order of a photograph.
    pictureArrived: arrivals.look,
    blobEvent: async (event: unknown) => {
      const path = pathOfEvent(event, clients.blobs.accountName);
      if (path !== undefined) await arrivals.look(path);
    },
    lookAtPicture: arrivals.lookAt,
    workOnPerson: session.work,
    eraseGroup: erase.eraseGroup,
    trainGroup: trainer.tick,
    sweep: sweeper.sweep,
    retrain: sweeper.retrain,
    measureBacklog: createBacklogMeasure({ reminders, quota: settings.FACE_QUOTA, now }),
    // What is asked over HTTP.
    identify: observeIdentify(createIdentify(inLane('interactive')), trainings),
    findSimilar: createFindSimilar(inLane('interactive')),
    verify: createVerify(inLane('interactive')),
    cluster: createCluster({ face: face.interactive, faceIds, ledger, results }),
    dropPicture: (image: string, bytes: Uint8Array, type: string) =>
      dropPicture({ photos, ledger, groups, doorbells, now }, image, bytes, type),
    deletePicture: (image: string) => deletePicture({ photos, ledger, look: arrivals.look }, image),
    putGroup: put,
    trainNow: trainer.trainNow,
    deleteGroup: erase.deleteGroup,
    deletePerson: erase.deletePerson,
    allPictures,
    redrive: createRedrive({
      ledger,
      allPictures,
      doorbells,
      deadLetters,
      log,
      now,
    }),
    fetchPicture: (url: string) => fetchPicture(url),
    health: createHealth(healthQuestions({ clients, checkVersion, face: settings.FACE_ENDPOINT }), now),
    groups,
    ledger,
    trainings,
    erasures,
    claims,
    newResultId: results.newId,
    recall: createRecall({ results, ledger }),
  };
}

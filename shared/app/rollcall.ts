import type { Clients } from './clients.ts';
import { poisonQueue } from '../config/resources.ts';
import type { Settings } from '../config/settings.ts';
import { putGroup, type GroupSettings } from '../enrollment/groups.ts';
import { createOrphanedPersons } from '../enrollment/orphanedPersons.ts';
import type { FaceTransportOptions } from '../face/transport.ts';
import { parseEventPath } from '../images/blobEvent.ts';
import { fetchImage } from '../images/fetchImage.ts';
import { deleteImage, uploadImage } from '../images/upload.ts';
import { createRedrive } from '../pipeline/redrive.ts';
import type { ResyncOptions } from '../pipeline/resync/options.ts';
import { resync } from '../pipeline/resync/resync.ts';
import { retrain } from '../pipeline/resync/retrain.ts';
import type { Group } from '../records/groups.ts';
import type { Log } from '../telemetry/log.ts';
import { createFace, type FaceByPriority } from './face.ts';
import { createHealth, healthQuestions } from './health.ts';
import { createIdentification, type Identification } from './identification.ts';
import { createBacklogMeasure } from './observers/observeBacklog.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import { createStores, type Context, type Stores } from './stores.ts';

export type RollcallOptions = {
  settings: Settings;
  clients: Clients;
  credential: FaceTransportOptions['credential'];
  log: Log;
  now?: () => number;
  /** Replaces the HTTP clients of Face. */
  face?: FaceByPriority;
};

export type Rollcall = ReturnType<typeof createRollcall>;

/**
 * Puts the app together, each group from the ones before it: clients of the cloud, stores, clients of Face,
 * identification, pipeline. Returns the operations that the functions call.
 */
export function createRollcall({
  settings,
  clients,
  credential,
  log,
  now = Date.now,
  face: givenFace,
}: RollcallOptions) {
  const context: Context = { settings, log, now };
  const stores = createStores(clients, context);
  const face = createFace(context, stores, credential, givenFace);
  const identification = createIdentification(context, stores, face);
  const pipeline = createPipeline({ ...context, stores, face }, identification);
  return {
    log,
    /** Has to be called before any other operation. @throws RollcallError other_version */
    checkVersion: stores.checkVersion,
    ...toTriggerOperations({ ...context, clients, stores, face, pipeline }),
    ...toHttpOperations({ ...context, clients, stores, pipeline, identification }),
  };
}

type App = Context & {
  clients: Clients;
  stores: Stores;
  face: FaceByPriority;
  identification: Identification;
  pipeline: Pipeline;
};

/** Operations of the pipeline, in the order in which an image passes through them, and those of the timers. */
function toTriggerOperations(app: Omit<App, 'identification'>) {
  const { clients, pipeline, stores, settings, now } = app;
  const { imageReconciler, reconcilePerson, groupReconciler, erase } = pipeline;
  const resyncOptions = toResyncOptions(app);
  return {
    reconcileImage: imageReconciler.reconcile,
    blobEvent: async (event: unknown) => {
      const path = parseEventPath(event, clients.blobs.accountName);
      if (path !== undefined) await imageReconciler.reconcile(path);
    },
    reconcileQueuedImage: imageReconciler.reconcileQueued,
    reconcilePerson,
    eraseGroup: erase.eraseGroup,
    reconcileGroup: groupReconciler.reconcile,
    resync: () => resync(resyncOptions),
    retrain: () => retrain(resyncOptions),
    measureBacklog: createBacklogMeasure({ reminders: stores.reminders, quota: settings.FACE_QUOTA, now }),
  };
}

function toResyncOptions({
  clients,
  stores,
  face,
  pipeline,
  settings,
  log,
  now,
}: Omit<App, 'identification'>) {
  const { groups, imageRecords, policyChanges, workQueues } = stores;
  const options: ResyncOptions = {
    account: clients.blobs.accountName,
    allImages: stores.allImages,
    imageStore: stores.imageStore,
    imageRecords,
    groups,
    reminders: stores.reminders,
    trainings: stores.trainings,
    lostFaces: stores.lostFaces,
    orphanedPersons: createOrphanedPersons({ groups, imageRecords, face: face.background, now }),
    faceIds: stores.faceIds,
    untrainedFaces: stores.untrainedFaces,
    results: stores.results,
    idempotencyRecords: stores.idempotencyRecords,
    cursors: stores.cursors,
    workQueues,
    deadLetters: stores.deadLetters,
    imageReconciler: pipeline.imageReconciler,
    erase: pipeline.erase,
    policyChanges,
    groupReconciler: pipeline.groupReconciler,
    poison: clients.queues.getQueueClient(poisonQueue),
    settings,
    log,
    now,
  };
  return options;
}

function toHttpOperations({
  clients,
  stores,
  identification,
  pipeline,
  settings,
  log,
  now,
}: Omit<App, 'face'>) {
  const { imageStore, imageRecords, groups, policyChanges, workQueues, deadLetters, allImages } = stores;
  const { imageReconciler, groupReconciler, erase } = pipeline;
  const healthOptions = { clients, checkVersion: stores.checkVersion, face: settings.FACE_ENDPOINT };
  return {
    identify: identification.identify,
    findSimilar: identification.findSimilar,
    verify: identification.verify,
    cluster: identification.cluster,
    readResults: identification.readResults,
    uploadImage: (image: string, bytes: Uint8Array, type: string) =>
      uploadImage({ imageStore, imageRecords, groups, workQueues, now }, image, bytes, type),
    deleteImage: (image: string) =>
      deleteImage({ imageStore, imageRecords, reconcile: imageReconciler.reconcile }, image),
    putGroup: (name: string, wanted: GroupSettings, condition?: (group: Group | undefined) => void) =>
      putGroup({ groups, policyChanges, settings, now, imageRecords }, name, wanted, condition),
    trainNow: groupReconciler.trainNow,
    deleteGroup: erase.deleteGroup,
    deletePerson: erase.deletePerson,
    allImages,
    redrive: createRedrive({ imageRecords, allImages, workQueues, deadLetters, log, now }),
    fetchImage: (url: string) => fetchImage(url),
    health: createHealth(healthQuestions(healthOptions), now),
    groups,
    imageRecords,
    trainings: stores.trainings,
    erasures: stores.erasures,
    idempotencyRecords: stores.idempotencyRecords,
    newResultId: stores.results.newId,
  };
}

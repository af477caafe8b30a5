import type { Clients } from './clients.ts';
import { tables } from '../config/resources.ts';
import type { Settings } from '../config/settings.ts';
import { noGroup } from '../images/imagePath.ts';
import { createImageStore } from '../images/imageStore.ts';
import { createDeadLetters } from '../messages/deadLetters.ts';
import { createWorkQueues } from '../messages/workQueues.ts';
import { createErasures } from '../records/erasures.ts';
import { createFaceIds } from '../records/faceIds.ts';
import { createGroups } from '../records/groups.ts';
import { createIdempotencyRecords } from '../records/idempotency.ts';
import { createImageRecords } from '../records/imageRecords.ts';
import { listAcrossGroups } from '../records/listAcrossGroups.ts';
import { createLostFaces } from '../records/lostFaces.ts';
import { createPolicyChanges } from '../records/policyChanges.ts';
import { createReminders } from '../records/reminders.ts';
import { createResults } from '../records/results.ts';
import { createScheduleStore } from '../records/schedule.ts';
import { createTable } from '../records/table.ts';
import { createTrainings } from '../records/trainings.ts';
import { createUntrainedFaces } from '../records/untrainedFaces.ts';
import { createVersionCheck } from '../records/version.ts';
import type { Log } from '../telemetry/log.ts';
import { isCovered, untrained } from '../training/machine.ts';
import { observeImages } from './observers/observeImages.ts';
import { observeTrainings } from './observers/observeTrainings.ts';

/** What every part of the app may need besides its dependencies. */
export type Context = { settings: Settings; log: Log; now: () => number };

export type Stores = ReturnType<typeof createStores>;

/** Everything that outlives a process: the containers, the tables, the queues. Nothing here calls Face. */
export function createStores(clients: Clients, { settings, log, now }: Context) {
  const table = (name: keyof typeof tables) => createTable(clients.table(tables[name]));
  const cursors = table('reminders');
  const reminders = createReminders(cursors, now);
  const trainings = createTrainings(table('trainings'), { initial: untrained, isOpen: (t) => !isCovered(t) });
  const imageRecords = observeImages(createImageRecords(table('images'), reminders, now), now);
  const groups = createGroups(table('groups'));
  return {
    imageStore: createImageStore(clients.blobs),
    workQueues: createWorkQueues(clients.serviceBus, now),
    deadLetters: createDeadLetters(clients.serviceBus, log),
    cursors,
    reminders,
    lostFaces: createLostFaces(cursors),
    policyChanges: createPolicyChanges(cursors),
    imageRecords,
    groups,
    allImages: listAcrossGroups(groups, imageRecords, noGroup),
    checkVersion: createVersionCheck(table('groups')),
    trainings: observeTrainings(trainings, now),
    faceIds: createFaceIds(table('faceIds'), now),
    untrainedFaces: createUntrainedFaces(table('faceIds'), now),
    erasures: createErasures(table('erasures'), now),
    results: createResults(table('results'), now),
    idempotencyRecords: createIdempotencyRecords(table('results'), now),
    schedule: createScheduleStore(table('quota'), settings.FACE_ENDPOINT),
  };
}

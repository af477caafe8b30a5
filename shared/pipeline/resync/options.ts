import type { QueueClient } from '@azure/storage-queue';
import type { Settings } from '../../config/settings.ts';
import type { OrphanedPersons } from '../../enrollment/orphanedPersons.ts';
import type { Erase } from '../../erasure/erase.ts';
import type { ImageStore } from '../../images/imageStore.ts';
import type { DeadLetters } from '../../messages/deadLetters.ts';
import type { WorkQueues } from '../../messages/workQueues.ts';
import type { FaceIds } from '../../records/faceIds.ts';
import type { Groups } from '../../records/groups.ts';
import type { IdempotencyRecords } from '../../records/idempotency.ts';
import type { ImageRecords } from '../../records/imageRecords.ts';
import type { ListAllImages } from '../../records/listAcrossGroups.ts';
import type { LostFaces } from '../../records/lostFaces.ts';
import type { PolicyChanges } from '../../records/policyChanges.ts';
import type { Reminders } from '../../records/reminders.ts';
import type { Results } from '../../records/results.ts';
import type { Table } from '../../records/table.ts';
import type { Trainings } from '../../records/trainings.ts';
import type { UntrainedFaces } from '../../records/untrainedFaces.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Training } from '../../training/machine.ts';
import type { GroupReconciler } from '../reconcileGroup.ts';
import type { ImageReconciler } from '../reconcileImage.ts';

/** What the jobs of the resync work on; each names the few things that it needs. */
export type ResyncOptions = {
  imageStore: ImageStore;
  /** Name of the storage account; empty for an emulator without one. */
  account: string;
  imageRecords: ImageRecords;
  groups: Groups;
  allImages: ListAllImages;
  reminders: Reminders;
  trainings: Trainings<Training>;
  lostFaces: LostFaces;
  orphanedPersons: OrphanedPersons;
  faceIds: FaceIds;
  untrainedFaces: UntrainedFaces;
  results: Results;
  idempotencyRecords: IdempotencyRecords;
  cursors: Table;
  workQueues: WorkQueues;
  deadLetters: Pick<DeadLetters, 'dropSentBefore'>;
  imageReconciler: ImageReconciler;
  erase: Pick<Erase, 'remind'>;
  policyChanges: PolicyChanges;
  groupReconciler: GroupReconciler;
  poison: QueueClient;
  settings: Pick<
    Settings,
    'RESULT_RETENTION_DAYS' | 'PROBE_RETENTION_DAYS' | 'FACE_ID_LIFETIME_SECONDS' | 'SWEEP_GRACE_SECONDS'
  >;
  log: Log;
  now: () => number;
};

/** How many rows, blobs or messages each job handles in one run; the next run goes on from there. */
export const pageOf = {
  reminders: 200,
  trainings: 200,
  poison: 32,
  undelivered: 32,
  blobs: 250,
  images: 100,
  groups: 20,
  expired: 1_000,
} as const;

export const dayMs = 86_400_000;

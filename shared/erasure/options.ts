import type { FaceGroups } from '../enrollment/faceGroup.ts';
import type { Settings } from '../config/settings.ts';
import type { FaceClient } from '../face/client.ts';
import type { ListedImage, ImageStore } from '../images/imageStore.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
import type { Erasures } from '../records/erasures.ts';
import type { FaceIds } from '../records/faceIds.ts';
import type { Groups } from '../records/groups.ts';
import type { IdempotencyRecords } from '../records/idempotency.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Results } from '../records/results.ts';
import type { Trainings } from '../records/trainings.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Log } from '../telemetry/log.ts';
import type { Training } from '../training/machine.ts';

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

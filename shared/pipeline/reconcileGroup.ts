import { brokerClockSkewMs } from '../config/resources.ts';
import { codeOf, deferredForMs } from '../errors/errors.ts';
import { translatePlatformError } from '../errors/platformErrors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect, translateFaceError } from '../face/errors.ts';
import type { TrainingStatus } from '../face/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
import { isWithoutFaces } from '../records/counters.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { Trainings } from '../records/trainings.ts';
import {
  accepted,
  changed,
  decide,
  emptied,
  failed,
  hasRunTooLong,
  started,
  stillRunning,
  succeeded,
  type Debounce,
  type Training,
} from '../training/machine.ts';

export type GroupReconcilerOptions = {
  trainings: Trainings<Training>;
  imageRecords: ImageRecords;
  /** Has interactive priority: each training takes three calls, and every change waits for these calls. */
  face: FaceClient;
  /**
   * Deletes the group in Face if no image of the group has a face there or may get one. Resolves with whether the
   * group has nothing left to train.
   */
  emptyIfNoFaceIsLeft: (group: string) => Promise<boolean>;
  /** Called when Face turns out to have lost the group. */
  groupLost: (group: string) => Promise<void>;
  workQueues: WorkQueues;
  debounce: Debounce;
  log: Log;
  now: () => number;
};

/**
 * Messages are scheduled at whole multiples of this interval, so that a burst of changes gives one message: the message
 * ID holds the time, and Service Bus drops duplicates by ID.
 */
const messageStepMs = 250;
/** Pause before the retry of a step that failed before a training began. */
const comeBackMs = 5_000;

export type GroupReconciler = ReturnType<typeof createGroupReconciler>;

/**
 * Trains groups as the state machine of the training decides, one step per message. The row of the training is written
 * before the message is sent: the resync enqueues the group again after a lost message, and a message that is delivered
 * twice finds nothing to do.
 */
export function createGroupReconciler(options: GroupReconcilerOptions) {
  return {
    /** Records that faces of the group have changed in Face. Resolves with the training that includes the change. */
    groupChanged: (group: string): Promise<Training> => groupChanged(options, group),

    /** Reads the training of the group and takes the step that is due. */
    reconcile: (group: string): Promise<void> => reconcile(options, group),

    /** Enqueues a group whose message may have been lost, if its training has a next step. */
    async enqueueIfOpen(group: string): Promise<void> {
      const training = await options.trainings.get(group);
      if (training !== undefined) await enqueueNext(options, group, training);
    },

    /** Has the group trained soon, whether or not its faces have changed. */
    async trainNow(group: string): Promise<void> {
      await groupChanged(options, group);
    },
  };
}

async function groupChanged(options: GroupReconcilerOptions, group: string): Promise<Training> {
  const training = await options.trainings.change(group, (current) => changed(current, options.now()));
  await enqueueNext(options, group, training);
  return training;
}

/** Enqueues the group for the time of its next step, if the state machine has a next step. */
async function enqueueNext(
  { debounce, workQueues, now }: GroupReconcilerOptions,
  group: string,
  training: Training,
): Promise<void> {
  const decision = decide(training, debounce, now());
  if (decision.do === 'nothing') return;
  const kind = decision.do === 'wait' ? decision.kind : 'change';
  const at = decision.do === 'wait' ? decision.until : now();
  await workQueues.enqueueTraining(group, kind, Math.ceil(at / messageStepMs) * messageStepMs);
}

async function reconcile(options: GroupReconcilerOptions, group: string): Promise<void> {
  const training = await options.trainings.get(group);
  if (training === undefined) return;
  // A message that is on time for the broker is taken as on time: a new one for an equal time would be dropped as a
  // duplicate.
  const decision = decide(training, options.debounce, options.now() + brokerClockSkewMs);
  if (decision.do === 'nothing') return;
  if (decision.do === 'wait') return enqueueNext(options, group, training);
  try {
    const after = await (decision.do === 'train' ? train : poll)(options, group, training);
    await enqueueNext(options, group, after);
  } catch (error) {
    await recover(options, group, error);
  }
}

async function train(options: GroupReconcilerOptions, group: string): Promise<Training> {
  const { trainings, now } = options;
  // Face cannot train a group without faces: such a group is deleted in Face instead.
  const mayBeEmpty = isWithoutFaces(await options.imageRecords.counts(group));
  if (mayBeEmpty && (await options.emptyIfNoFaceIsLeft(group))) return trainings.change(group, emptied);
  const { begun } = await trainings.change(group, (training) => started(training, now()));
  await options.face.train(group);
  return trainings.change(group, (training) => accepted(training, begun, now()));
}

async function poll(options: GroupReconcilerOptions, group: string, training: Training): Promise<Training> {
  const { trainings, log, now } = options;
  const { begun } = training;
  const status = await options.face.trainingStatus(group);
  switch (status.status.toLowerCase()) {
    case 'succeeded':
      log.info('a training succeeded');
      return trainings.change(group, (current) => succeeded(current, begun, durationMs(status)));
    case 'failed':
      log.warn('a training failed in Face');
      return trainings.change(group, (current) => failed(current, begun, 'training_failed', now()));
    default:
      return hasRunTooLong(training, now())
        ? trainings.change(group, (current) => failed(current, begun, 'training_failed', now()))
        : trainings.change(group, (current) => stillRunning(current, now()));
  }
}

/**
 * Records a failed step and enqueues the group for the next attempt. The write-ahead intent is kept when the call may
 * have taken effect, so that the training is polled, or started again.
 */
async function recover(options: GroupReconcilerOptions, group: string, error: unknown): Promise<void> {
  const { trainings, workQueues, log, now } = options;
  const deferredMs = deferredForMs(error);
  if (deferredMs !== undefined) return workQueues.enqueueTraining(group, 'retry', now() + deferredMs);
  const failure = translatePlatformError(translateFaceError(error));
  log.warn('a training is retried', failure);
  if (codeOf(failure) === 'group_lost') await options.groupLost(group);
  const inDoubt = isFaceError(error, 409) || mayHaveTakenEffect(error);
  const next = await trainings.change(group, (training) =>
    inDoubt ? stillRunning(training, now()) : failed(training, training.begun, codeOf(failure), now()),
  );
  if (next.running === undefined && next.retryAt === undefined)
    return workQueues.enqueueTraining(group, 'retry', now() + comeBackMs);
  await enqueueNext(options, group, next);
}

/**
 * The duration of a training in milliseconds, by the clock of Face. The time of the poll would overstate the duration,
 * because a poll follows the end of the training with a delay.
 */
function durationMs({ createdDateTime, lastActionDateTime }: TrainingStatus): number {
  return Math.max(0, Date.parse(lastActionDateTime) - Date.parse(createdDateTime)) || 0;
}

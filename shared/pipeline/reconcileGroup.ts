import { codeOf, deferredForMs } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect, translateFaceError } from '../face/errors.ts';
import type { TrainingStatus } from '../face/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { WorkQueues } from '../messages/workQueues.ts';
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
  /** At interactive priority: each training takes three calls, and every change waits for them. */
  face: FaceClient;
  /** Deletes the group in Face if nothing of it is enrolled any more. */
  emptyIfNoFaceIsLeft: (group: string) => Promise<boolean>;
  /** Face does not have the group any more. */
  groupLost: (group: string) => Promise<void>;
  workQueues: WorkQueues;
  debounce: Debounce;
  log: Log;
  now: () => number;
};

/** Messages are scheduled at whole steps of this: a burst of changes is one message (duplicate detection by its ID). */
const messageStepMs = 250;
/**
 * The clock of this instance may be behind that of the broker, so that a message that seems early is on time. Another
 * one for the same moment would be taken for a duplicate and lost.
 */
const clockSkewMs = 500;
/** What failed before a training began is tried again after this. */
const comeBackMs = 5_000;

export type GroupReconciler = ReturnType<typeof createGroupReconciler>;

/**
 * Carries out what the state machine decides, one step for each message. The row is written before the message is
 * sent: the resync queues a lost message again, and one that comes twice finds nothing to do.
 */
export function createGroupReconciler(options: GroupReconcilerOptions) {
  const { trainings, face, workQueues, debounce, log, now } = options;

  /** Faces of the group have changed in Face. Resolves with the training that knows of it. */
  async function groupChanged(group: string): Promise<Training> {
    const training = await trainings.change(group, (current) => changed(current, now()));
    await enqueueNext(group, training);
    return training;
  }

  /** Queues the group for the time at which the state machine wants to go on, if any. */
  async function enqueueNext(group: string, training: Training): Promise<void> {
    const decision = decide(training, debounce, now());
    if (decision.do === 'nothing') return;
    const kind = decision.do === 'wait' ? decision.kind : 'change';
    const at = decision.do === 'wait' ? decision.until : now();
    await workQueues.enqueueTraining(group, kind, Math.ceil(at / messageStepMs) * messageStepMs);
  }

  /** Looks at the group and does what is to be done now. */
  async function reconcile(group: string): Promise<void> {
    const training = await trainings.get(group);
    if (training === undefined) return;
    const decision = decide(training, debounce, now() + clockSkewMs);
    if (decision.do === 'nothing') return;
    if (decision.do === 'wait') return enqueueNext(group, training);
    try {
      await enqueueNext(group, decision.do === 'train' ? await train(group) : await poll(group, training));
    } catch (error) {
      await recover(group, error);
    }
  }

  async function train(group: string): Promise<Training> {
    const { images } = await options.imageRecords.counts(group);
    // Training a group without a face fails: it is emptied instead.
    if (
      images.received + images.detected + images.enrolled === 0 &&
      (await options.emptyIfNoFaceIsLeft(group))
    ) {
      return trainings.change(group, emptied);
    }
    const { begun } = await trainings.change(group, (training) => started(training, now()));
    await face.train(group);
    return trainings.change(group, (training) => accepted(training, begun, now()));
  }

  async function poll(group: string, training: Training): Promise<Training> {
    const { begun } = training;
    const status = await face.trainingStatus(group);
    switch (status.status.toLowerCase()) {
      case 'succeeded':
        log.info('a training succeeded');
        return trainings.change(group, (current) => succeeded(current, begun, timeOf(status)));
      case 'failed':
        log.warn('a training failed in Face');
        return trainings.change(group, (current) => failed(current, begun, 'training_failed', now()));
      default:
        return hasRunTooLong(training, now())
          ? trainings.change(group, (current) => failed(current, begun, 'training_failed', now()))
          : trainings.change(group, (current) => stillRunning(current, now()));
    }
  }

  /** A call that may have taken effect leaves the intention: the training is asked for once more. */
  async function recover(group: string, error: unknown): Promise<void> {
    const deferredMs = deferredForMs(error);
    if (deferredMs !== undefined) return workQueues.enqueueTraining(group, 'retry', now() + deferredMs);
    const failure = translateFaceError(error);
    log.warn('a training is tried again', failure);
    if (codeOf(failure) === 'group_lost') await options.groupLost(group);
    const inDoubt = isFaceError(error, 409) || mayHaveTakenEffect(error);
    const next = await trainings.change(group, (training) =>
      inDoubt ? stillRunning(training, now()) : failed(training, training.begun, codeOf(failure), now()),
    );
    if (next.running === undefined && next.retryAt === undefined) {
      return workQueues.enqueueTraining(group, 'retry', now() + comeBackMs);
    }
    await enqueueNext(group, next);
  }

  return {
    groupChanged,
    reconcile,

    /** Queues a group whose message may have been lost. */
    async enqueueIfOpen(group: string): Promise<void> {
      const training = await trainings.get(group);
      if (training !== undefined) await enqueueNext(group, training);
    },

    /** Trains the group soon, whether it has changed or not. */
    async trainNow(group: string): Promise<void> {
      await groupChanged(group);
    },
  };
}

/** By Face's own clock: our polls come late, and would make a training look longer than it was. */
function timeOf({ createdDateTime, lastActionDateTime }: TrainingStatus): number {
  return Math.max(0, Date.parse(lastActionDateTime) - Date.parse(createdDateTime)) || 0;
}

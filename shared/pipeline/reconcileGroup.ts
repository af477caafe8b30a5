import { codeOf, deferredForMs } from '../errors/errors.ts';
import type { FaceClient } from '../face/client.ts';
import { isFaceError, mayHaveTakenEffect, translateFaceError } from '../face/errors.ts';
import type { TrainingStatus } from '../face/types.ts';
import type { Log } from '../telemetry/log.ts';
import type { Doorbells } from '../messages/workQueues.ts';
import type { Ledger } from '../records/ledger.ts';
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

export type TrainerOptions = {
  trainings: Trainings<Training>;
  ledger: Ledger;
  /** In the interactive lane: three calls a training, for which every change waits. */
  face: FaceClient;
  /** Deletes the group in Face if nothing of it is enrolled any more. */
  emptyIfNoFaceIsLeft: (group: string) => Promise<boolean>;
  /** Face does not have the group any more. */
  groupLost: (group: string) => Promise<void>;
  doorbells: Doorbells;
  debounce: Debounce;
  log: Log;
  now: () => number;
};

/** Ticks are rung at whole steps of this, so that a burst of changes rings once (duplicate detection by message ID). */
const tickStepMs = 250;
/**
 * The clock of this instance may be behind that of the broker: a tick that seems early is on time. Rung again for the
 * same moment it would be taken for a duplicate, and lost.
 */
const clockSkewMs = 500;
/** What failed before a training began is tried again after this. */
const comeBackMs = 5_000;

export type Trainer = ReturnType<typeof createTrainer>;

/**
 * Carries out what the machine decides, a tick at a time. State first, message second: a tick that is lost is rung
 * again by the sweep, one that comes twice finds nothing to do.
 */
export function createTrainer(options: TrainerOptions) {
  const { trainings, face, doorbells, debounce, log, now } = options;

  /** Faces of the group have changed in Face. Resolves with the training that knows of it. */
  async function groupChanged(group: string): Promise<Training> {
    const training = await trainings.change(group, (current) => changed(current, now()));
    await ringFor(group, training);
    return training;
  }

  /** Rings at the time at which the machine wants to go on, if any. */
  async function ringFor(group: string, training: Training): Promise<void> {
    const decision = decide(training, debounce, now());
    if (decision.do === 'nothing') return;
    const kind = decision.do === 'wait' ? decision.kind : 'change';
    const at = decision.do === 'wait' ? decision.until : now();
    await doorbells.ringTraining(group, kind, Math.ceil(at / tickStepMs) * tickStepMs);
  }

  /** Looks at the group and does what is to be done now. */
  async function tick(group: string): Promise<void> {
    const training = await trainings.get(group);
    if (training === undefined) return;
    const decision = decide(training, debounce, now() + clockSkewMs);
    if (decision.do === 'nothing') return;
    if (decision.do === 'wait') return ringFor(group, training);
    try {
      await ringFor(group, decision.do === 'train' ? await train(group) : await poll(group, training));
    } catch (error) {
      await recover(group, error);
    }
  }

  async function train(group: string): Promise<Training> {
    const { images } = await options.ledger.counts(group);
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
    if (deferredMs !== undefined) return doorbells.ringTraining(group, 'retry', now() + deferredMs);
    const failure = translateFaceError(error);
    log.warn('a training is tried again', failure);
    if (codeOf(failure) === 'group_lost') await options.groupLost(group);
    const inDoubt = isFaceError(error, 409) || mayHaveTakenEffect(error);
    const next = await trainings.change(group, (training) =>
      inDoubt ? stillRunning(training, now()) : failed(training, training.begun, codeOf(failure), now()),
    );
    if (next.running === undefined && next.retryAt === undefined) {
      return doorbells.ringTraining(group, 'retry', now() + comeBackMs);
    }
    await ringFor(group, next);
  }

  return {
    groupChanged,
    tick,

    /** Rings for a group whose tick may have been lost. */
    async remind(group: string): Promise<void> {
      const training = await trainings.get(group);
      if (training !== undefined) await ringFor(group, training);
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

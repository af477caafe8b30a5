/**
 * The state machine of the training of a group, as it is stored in the row of the training.
 *
 *   idle ──changed──▶ pending ──(quiet, or waited long enough)──▶ running ──succeeded──▶ idle
 *                        ▲                                           │
 *                        └──(retryAt)── failed ◀──────failed─────────┘      a change while running: pending again
 *
 * `changedAt` and `lastChangedAt` are the times of the first and the last change that no training covers. `running` is
 * the write-ahead intent to train, written before the call. `accepted` says that Face accepted the call. The state is
 * derived from these fields (see `stateOf`).
 *
 * Invariants:
 * - a change is cleared only when a training that began after the change has succeeded: the start of a training moves
 *   `changedAt` into `running.covers`, success drops `covers`, failure moves `covers` back into `changedAt`;
 * - at most one training runs: a running training is polled and never started again, unless it is not known whether
 *   Face accepted the training;
 * - the first change waits at most `maxWaitMs` or four times the duration of the last training, whichever is longer,
 *   before its training starts.
 */
export type Training = {
  /** Times of the first and the last change that waits for a training; milliseconds since 1970. */
  changedAt?: number;
  lastChangedAt?: number;
  running?: { startedAt: number; accepted: boolean; covers: number; pollAt: number };
  lastTrainedAt?: number;
  /**
   * `begun` counts the trainings that were begun, and `lastSucceeded` is the number of the last one that succeeded.
   * That training covers every face that was added while fewer trainings had been begun. The comparison needs no clock.
   */
  begun: number;
  lastSucceeded?: number;
  /** Duration of the last training in Face, in milliseconds. */
  lastTookMs?: number;
  failures: number;
  retryAt?: number;
  error?: string;
};

export type Debounce = { quietMs: number; maxWaitMs: number };

/** The reason for the next reconcile of the group. */
export type TickKind = 'change' | 'poll' | 'retry';

export type TrainingState = 'idle' | 'pending' | 'running' | 'failed';

export type Decision =
  { do: 'nothing' } | { do: 'wait'; kind: TickKind; until: number } | { do: 'train' } | { do: 'poll' };

export const untrained: Training = { failures: 0, begun: 0 };

/** Shortest interval between two recorded changes: a burst of changes costs one write per interval. */
const noteEveryMs = 250;
const retryPausesMs = [2_000, 5_000, 15_000, 60_000, 300_000];
/**
 * Longest pause after an error on the way to Face, as opposed to a failed training: the training is retried soon after
 * the error ends.
 */
const longestFaultPauseMs = 15_000;
/** A training that Face reports as running for longer than this counts as failed: a million faces take 30 minutes. */
const longestTrainingMs = 2 * 3_600_000;

export function stateOf(training: Training): TrainingState {
  if (training.running !== undefined) return 'running';
  if (training.failures > 0) return 'failed';
  return training.changedAt === undefined ? 'idle' : 'pending';
}

/** Whether every change has been covered by a successful training. */
export function isCovered(training: Training): boolean {
  return training.changedAt === undefined && training.running === undefined;
}

/** Records that faces of the group have changed in Face. Returns the given object when a recent change is recorded. */
export function changed(training: Training, now: number): Training {
  const { changedAt, lastChangedAt } = training;
  if (changedAt !== undefined && lastChangedAt !== undefined && now - lastChangedAt < noteEveryMs)
    return training;
  return { ...training, changedAt: changedAt ?? now, lastChangedAt: now };
}

/** The next step of the training at the time `now`. */
export function decide(training: Training, debounce: Debounce, now: number): Decision {
  const { running } = training;
  if (running !== undefined) {
    if (running.pollAt > now) return { do: 'wait', kind: 'poll', until: running.pollAt };
    return running.accepted ? { do: 'poll' } : { do: 'train' };
  }
  if (training.changedAt === undefined) return { do: 'nothing' };
  if (training.retryAt !== undefined && training.retryAt > now) {
    return { do: 'wait', kind: 'retry', until: training.retryAt };
  }
  const due = dueAt(training, debounce);
  return due > now ? { do: 'wait', kind: 'change', until: due } : { do: 'train' };
}

/** The time at which the training of the waiting changes starts, if no further change comes. */
export function dueAt(training: Training, { quietMs, maxWaitMs }: Debounce): number {
  const first = training.changedAt ?? 0;
  const longest = Math.max(maxWaitMs, 4 * (training.lastTookMs ?? 0));
  return Math.min((training.lastChangedAt ?? first) + quietMs, first + longest);
}

/** How long after its intent a call to train that was not answered is sent again. */
const unansweredMs = 5_000;

/** The write-ahead intent, written before each call to train. A call that is not known to be accepted is sent again. */
export function started(training: Training, now: number): Training {
  const { changedAt, lastChangedAt: _lastChangedAt, retryAt: _retryAt, ...rest } = training;
  const covers = Math.min(changedAt ?? now, training.running?.covers ?? now);
  return {
    ...rest,
    begun: rest.begun + 1,
    // An earlier call may have started a training: `startedAt` stays the time of the first call, so that the intervals
    // of polling grow with the time since then.
    running: {
      startedAt: training.running?.startedAt ?? now,
      accepted: false,
      covers,
      pollAt: now + unansweredMs,
    },
  };
}

/**
 * Face accepted the call: the training that covers the changes has begun. `begun` is the number of the training that
 * the caller reports on, here and in the functions below. The report of a stalled caller is ignored when the training
 * has been begun again since.
 */
export function accepted(training: Training, begun: number, now: number): Training {
  const { running } = training;
  if (running === undefined || training.begun !== begun) return training;
  return {
    ...training,
    running: { ...running, accepted: true, pollAt: now + Math.max(500, training.lastTookMs ?? 0) },
  };
}

/** The training still runs in Face: the next poll follows after half of the time since its start, 0.5 to 60 seconds. */
export function stillRunning(training: Training, now: number): Training {
  const { running } = training;
  if (running === undefined) return training;
  const pause = Math.min(Math.max(500, (now - running.startedAt) / 2), 60_000);
  return { ...training, running: { ...running, pollAt: now + Math.round(pause) } };
}

/** Face finished the training. `tookMs`: its duration in Face. */
export function succeeded(training: Training, begun: number, tookMs: number): Training {
  const { running, error: _error, retryAt: _retryAt, ...rest } = training;
  if (running === undefined || training.begun !== begun) return training;
  return {
    ...rest,
    failures: 0,
    lastTrainedAt: running.startedAt,
    lastSucceeded: rest.begun,
    lastTookMs: tookMs,
  };
}

/** Face refused or failed the training: the covered changes wait again, with a pause that grows with each failure. */
export function failed(training: Training, begun: number, error: string, now: number): Training {
  const { running, ...rest } = training;
  if (running === undefined || training.begun !== begun) return training;
  const pause = retryPausesMs[Math.min(training.failures, retryPausesMs.length - 1)] ?? 0;
  const longest = error === 'training_failed' ? Infinity : longestFaultPauseMs;
  return {
    ...rest,
    changedAt: Math.min(running.covers, training.changedAt ?? running.covers),
    lastChangedAt: training.lastChangedAt ?? running.covers,
    failures: training.failures + 1,
    retryAt: now + Math.min(pause, longest),
    error,
  };
}

/** The group has no face left in Face, and so nothing to train. */
export function emptied(training: Training): Training {
  const { changedAt: _changedAt, lastChangedAt: _lastChangedAt, running: _running, ...rest } = training;
  const { retryAt: _retryAt, error: _error, lastTrainedAt: _lastTrainedAt, ...kept } = rest;
  return { ...kept, failures: 0 };
}

export function hasRunTooLong(training: Training, now: number): boolean {
  return training.running !== undefined && now - training.running.startedAt > longestTrainingMs;
}

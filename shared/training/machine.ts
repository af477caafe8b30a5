/**
 * The training of a group, as its row remembers it.
 *
 *   idle ──changed──▶ pending ──(quiet, or waited long enough)──▶ running ──succeeded──▶ idle
 *                        ▲                                           │
 *                        └──(retryAt)── failed ◀──────failed─────────┘      a change while running: pending again
 *
 * `changedAt` and `lastChangedAt` bound the changes that no training covers; `running` is the intention to train,
 * written before the call; `accepted` says that Face took the call. `state` is derived from these.
 *
 * Invariants:
 * - a change clears only when a training that began after it has succeeded: starting moves `changedAt` into
 *   `running.covers`, success drops it, failure brings it back;
 * - at most one training runs: a running one is polled, never started over, unless Face never accepted it;
 * - the first change waits at most `maxWaitMs`, or four times the last training, before its training starts.
 */
export type Training = {
  /** The first change that waits, and the last one; milliseconds since 1970. */
  changedAt?: number;
  lastChangedAt?: number;
  running?: { startedAt: number; accepted: boolean; covers: number; pollAt: number };
  lastTrainedAt?: number;
  /**
   * How many trainings were begun, and which of them was the last that succeeded: it covers the faces that were
   * added when fewer had been begun. Told without a clock.
   */
  begun: number;
  lastSucceeded?: number;
  /** How long the last training took Face, in milliseconds. */
  lastTookMs?: number;
  failures: number;
  retryAt?: number;
  error?: string;
  /** Kept by shared/telemetry; no decision depends on it. */
  traces?: TrainingTraces;
};

/** W3C `traceparent`s of changes that wait, that the running training is for, and that the last one covered. */
export type TrainingTraces = {
  readonly waiting: readonly string[];
  readonly running: readonly string[];
  readonly covered: readonly string[];
};

export type Debounce = { quietMs: number; maxWaitMs: number };

/** Why the group is looked at then. */
export type TickKind = 'change' | 'poll' | 'retry';

export type TrainingState = 'idle' | 'pending' | 'running' | 'failed';

export type Decision =
  { do: 'nothing' } | { do: 'wait'; kind: TickKind; until: number } | { do: 'train' } | { do: 'poll' };

export const untrained: Training = { failures: 0, begun: 0 };

/** Changes are noted no more often than this: a burst then costs one write a while. */
const noteEveryMs = 250;
const retryPausesMs = [2_000, 5_000, 15_000, 60_000, 300_000];
/** Where the way to Face was at fault, and not the training: it is over soon after the fault. */
const longestFaultPauseMs = 15_000;
/** A training that Face reports as running for longer than this is taken for failed: a million faces take 30 minutes. */
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

/** Faces of the group have changed in Face. The same training comes back when that is noted already. */
export function changed(training: Training, now: number): Training {
  const { changedAt, lastChangedAt } = training;
  if (changedAt !== undefined && lastChangedAt !== undefined && now - lastChangedAt < noteEveryMs)
    return training;
  return { ...training, changedAt: changedAt ?? now, lastChangedAt: now };
}

/** What to do now. */
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

/** When the waiting changes are trained, if no more come. */
export function dueAt(training: Training, { quietMs, maxWaitMs }: Debounce): number {
  const first = training.changedAt ?? 0;
  const longest = Math.max(maxWaitMs, 4 * (training.lastTookMs ?? 0));
  return Math.min((training.lastChangedAt ?? first) + quietMs, first + longest);
}

/** How long after its intention a call to train that was not answered is sent again. */
const unansweredMs = 5_000;

/** The intention: written before Face is called. What it does not know to be accepted it sends again. */
export function started(training: Training, now: number): Training {
  const { changedAt, lastChangedAt: _lastChangedAt, retryAt: _retryAt, ...rest } = training;
  const covers = Math.min(changedAt ?? now, training.running?.covers ?? now);
  return {
    ...rest,
    begun: rest.begun + 1,
    // What was sent before may be running: it is asked about in steps that grow with the time since.
    running: {
      startedAt: training.running?.startedAt ?? now,
      accepted: false,
      covers,
      pollAt: now + unansweredMs,
    },
  };
}

/**
 * Face took the call: the training that covers the changes has begun. `begun` names the training of which that is
 * said, here and below: whoever stalled speaks of one that others have begun anew, and is not heard.
 */
export function accepted(training: Training, begun: number, now: number): Training {
  const { running } = training;
  if (running === undefined || training.begun !== begun) return training;
  return {
    ...training,
    running: { ...running, accepted: true, pollAt: now + Math.max(500, training.lastTookMs ?? 0) },
  };
}

/** Face is not ready yet: ask again in ever longer steps, half the time that has passed and a minute at most. */
export function stillRunning(training: Training, now: number): Training {
  const { running } = training;
  if (running === undefined) return training;
  const pause = Math.min(Math.max(500, (now - running.startedAt) / 2), 60_000);
  return { ...training, running: { ...running, pollAt: now + Math.round(pause) } };
}

/** Face finished the training, which took it so long. */
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

/** Face refused or failed the training: what it was to cover waits again, with a growing pause. */
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

/** The group has no face left, and so nothing to train. */
export function emptied(training: Training): Training {
  const { changedAt: _changedAt, lastChangedAt: _lastChangedAt, running: _running, ...rest } = training;
  const { retryAt: _retryAt, error: _error, lastTrainedAt: _lastTrainedAt, ...kept } = rest;
  return { ...kept, failures: 0 };
}

export function hasRunTooLong(training: Training, now: number): boolean {
  return training.running !== undefined && now - training.running.startedAt > longestTrainingMs;
}

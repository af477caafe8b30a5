import type { Gallery } from './gallery.ts';
import { faults } from './faults.ts';
import type { FaceStore, StoredTraining } from './store.ts';

export type TrainingsOptions = {
  store: FaceStore;
  gallery: Gallery;
  /** How long the training of so many faces takes, in milliseconds. */
  trainingTime: (faces: number) => number;
  now: () => number;
};

export type Trainings = ReturnType<typeof createTrainings>;

/**
 * Trainings of groups, one at a time each. The group answers from its last trained state meanwhile. A training that
 * a kill cut short goes on at the next start.
 */
export function createTrainings({ store, gallery, trainingTime, now }: TrainingsOptions) {
  const timers = new Map<string, NodeJS.Timeout>();

  function set(group: string, training: StoredTraining): void {
    const { status, createdAt, lastActionAt, lastSuccessAt, message } = training;
    store.setTraining(group, status, createdAt, lastActionAt, lastSuccessAt, message);
  }

  function finish(group: string): void {
    timers.delete(group);
    const training = store.training(group);
    // Deleted meanwhile.
    if (training === undefined) return;
    if (store.countFaces(group) === 0) {
      set(group, {
        ...training,
        status: 'failed',
        lastActionAt: now(),
        message: 'There is no face to train.',
      });
      return;
    }
    store.markTrained(group);
    gallery.forget(group);
    set(group, {
      ...training,
      status: 'succeeded',
      lastActionAt: now(),
      lastSuccessAt: now(),
      message: null,
    });
  }

  function run(group: string): void {
    timers.set(
      group,
      setTimeout(() => finish(group), trainingTime(store.countFaces(group))),
    );
  }

  for (const { groupId } of store.runningTrainings()) run(groupId);

  return {
    start(group: string): void {
      const before = store.training(group);
      if (before?.status === 'running') throw faults.underTraining();
      const at = now();
      const lastSuccessAt = before?.lastSuccessAt ?? null;
      set(group, { status: 'running', createdAt: at, lastActionAt: at, lastSuccessAt, message: null });
      run(group);
    },
    stop(): void {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

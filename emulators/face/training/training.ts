import type { Gallery } from '../gallery/gallery.ts';
import type { FaceStore, StoredTraining } from '../storage/store.ts';

export type TrainingsOptions = {
  store: FaceStore;
  gallery: Gallery;
  /** How long the training of so many faces takes, in milliseconds. */
  trainingTime: (faces: number) => number;
  now: () => number;
};

export type Trainings = ReturnType<typeof createTrainings>;

/**
 * Trainings of collections.
 *
 * States: none → running → succeeded | failed, and from both of these to running again.
 * - `running` notes the newest face there is (`upTo`); faces that come later wait for the next training.
 * - `running` → `succeeded`: the faces up to there that still exist become searchable, in one transaction.
 * - `running` → `failed`: there is no face up to there.
 * Invariants: at most one training of a collection runs; until it succeeds the collection answers from what was
 * trained before; a training that a kill cut short goes on at the next start, so that none runs for ever; a
 * collection that is created anew under the same ID has a key of its own, which no earlier training knows.
 */
export function createTrainings({ store, gallery, trainingTime, now }: TrainingsOptions) {
  const timers = new Map<number, NodeJS.Timeout>();

  function finish(collection: number): void {
    timers.delete(collection);
    const training = store.training(collection);
    // The collection was deleted meanwhile.
    if (training === undefined) return;
    const at = now();
    if (store.countFaces(collection, training.upTo) === 0) {
      const message = 'There is no face to train.';
      store.setTraining(collection, { ...training, status: 'failed', lastActionAt: at, message });
      return;
    }
    const added = store.untrainedPages(collection, Math.min(training.upTo, gallery.upTo(collection)));
    store.transaction(() => {
      store.markTrained(collection, training.upTo);
      store.setTraining(collection, {
        ...training,
        status: 'succeeded',
        lastActionAt: at,
        lastSuccessAt: at,
      });
    });
    gallery.add(collection, added);
  }

  function run(collection: number, upTo: number): void {
    const takes = trainingTime(store.countFaces(collection, upTo));
    timers.set(
      collection,
      setTimeout(() => finish(collection), takes),
    );
  }

  for (const { collection } of store.runningTrainings()) {
    run(collection, store.training(collection)?.upTo ?? 0);
  }

  return {
    isRunning: (collection: number): boolean => store.training(collection)?.status === 'running',
    /** Whether there is anything to search. */
    hasSucceeded: (collection: number): boolean =>
      (store.training(collection)?.lastSuccessAt ?? null) !== null,
    /** None may run. */
    start(collection: number): void {
      const at = now();
      const upTo = store.newestFace(collection);
      store.setTraining(collection, {
        status: 'running',
        createdAt: at,
        lastActionAt: at,
        lastSuccessAt: store.training(collection)?.lastSuccessAt ?? null,
        message: null,
        upTo,
      } satisfies StoredTraining);
      run(collection, upTo);
    },
    stop(): void {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

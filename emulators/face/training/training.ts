import type { Gallery } from '../gallery/gallery.ts';
import type { FaceStore } from '../storage/store.ts';

export type TrainingsOptions = {
  store: FaceStore;
  gallery: Gallery;
  /** The duration of a training of this number of faces, in milliseconds. */
  trainingTime: (faces: number) => number;
  now: () => number;
};

/**
 * The trainings of collections.
 *
 * States: none → running → succeeded | failed, and from both of these to running again.
 * - `running` records the newest face (`upTo`); later faces wait for the next training.
 * - `running` → `succeeded`: the remaining faces up to `upTo` become searchable, in one transaction.
 * - `running` → `failed`: there is no face up to `upTo`.
 *
 * Invariants:
 * - At most one training of a collection runs. Until it succeeds, searches see the faces of the last training.
 * - A training that a crash interrupted continues at the next start, so that no training runs forever.
 * - A collection that is created again under the same ID has a new key, which no earlier training refers to.
 */
export class Trainings {
  readonly #options: TrainingsOptions;
  readonly #timers = new Map<number, NodeJS.Timeout>();

  constructor(options: TrainingsOptions) {
    this.#options = options;
    const { store } = options;
    for (const { collection } of store.runningTrainings()) {
      this.#run(collection, store.training(collection)?.upTo ?? 0);
    }
  }

  isRunning(collection: number): boolean {
    return this.#options.store.training(collection)?.status === 'running';
  }

  hasSucceeded(collection: number): boolean {
    return (this.#options.store.training(collection)?.lastSuccessAt ?? null) !== null;
  }

  /** Starts a training. Callers check that none is running. */
  start(collection: number): void {
    const { store, now } = this.#options;
    const at = now();
    const upTo = store.newestFace(collection);
    store.setTraining(collection, {
      status: 'running',
      createdAt: at,
      lastActionAt: at,
      lastSuccessAt: store.training(collection)?.lastSuccessAt ?? null,
      message: null,
      upTo,
    });
    this.#run(collection, upTo);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #run(collection: number, upTo: number): void {
    const { store, trainingTime } = this.#options;
    const durationMs = trainingTime(store.countFaces(collection, upTo));
    this.#timers.set(
      collection,
      setTimeout(() => this.#finish(collection), durationMs),
    );
  }

  #finish(collection: number): void {
    this.#timers.delete(collection);
    const { store, gallery, now } = this.#options;
    const training = store.training(collection);
    // The collection was deleted during the training.
    if (training === undefined) return;
    const { upTo } = training;
    const at = now();
    if (store.countFaces(collection, upTo) === 0) {
      const message = 'There is no face to train.';
      store.setTraining(collection, { ...training, status: 'failed', lastActionAt: at, message });
      return;
    }
    const added = store.untrainedPages(collection, Math.min(upTo, gallery.upTo(collection)));
    store.transaction(() => {
      store.markTrained(collection, upTo);
      const succeeded = { status: 'succeeded', lastActionAt: at, lastSuccessAt: at } as const;
      store.setTraining(collection, { ...training, ...succeeded });
    });
    gallery.add(collection, added);
  }
}

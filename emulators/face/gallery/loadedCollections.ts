import type { FaceStore } from '../storage/store.ts';
import { Loading } from './loading.ts';
import type { GalleryMemory } from './memory.ts';
import { Rows } from './rows.ts';
import type { GalleryThreads } from './threads.ts';

export type LoadedCollection = {
  rows: Rows;
  loading: Loading;
  /** Rejects when the collection cannot be loaded. */
  loaded: Promise<void>;
  /** Searches that currently run. */
  searches: number;
};

/** Above this, the least recently searched collections are dropped. */
const maxBytes = 2 ** 30;

/** A cache of collections in memory. Collections are loaded one after another, so that `maxBytes` is known to hold. */
export class LoadedCollections {
  readonly #options: { store: FaceStore; memory: GalleryMemory; threads: GalleryThreads };
  /** The most recently searched collection is the last. */
  readonly #entries = new Map<number, LoadedCollection>();
  #lastLoaded: Promise<void> = Promise.resolve();

  constructor(options: { store: FaceStore; memory: GalleryMemory; threads: GalleryThreads }) {
    this.#options = options;
  }

  /** The collection for a search; loading starts if the collection is not in memory. */
  open(collection: number): LoadedCollection {
    const entry = this.#entries.get(collection) ?? this.#startLoading(collection);
    this.#entries.delete(collection);
    this.#entries.set(collection, entry);
    return entry;
  }

  upTo(collection: number): number {
    return this.#entries.get(collection)?.loading.upTo ?? 0;
  }

  /** Changes the rows of a collection that is in memory. */
  change(collection: number, work: (rows: Rows) => void): void {
    const entry = this.#entries.get(collection);
    if (entry === undefined) return;
    entry.loading.markOutdated();
    work(entry.rows);
  }

  drop(collection: number): void {
    const entry = this.#entries.get(collection);
    entry?.loading.stop();
    entry?.rows.release();
    this.#entries.delete(collection);
  }

  /** Drops collections that are not being searched, but never the last one, until the rest fits. */
  evict(): void {
    let bytes = 0;
    for (const { rows } of this.#entries.values()) bytes += rows.bytes;
    for (const [collection, { rows, searches }] of [...this.#entries].slice(0, -1)) {
      if (bytes <= maxBytes) return;
      if (searches > 0) continue;
      bytes -= rows.bytes;
      this.drop(collection);
    }
  }

  async close(): Promise<void> {
    for (const { loading } of this.#entries.values()) loading.stop();
    await this.#lastLoaded;
  }

  #startLoading(collection: number): LoadedCollection {
    const rows = new Rows(this.#options.memory);
    const loading = new Loading(this.#options, collection, rows);
    const loaded = this.#lastLoaded.then(() => loading.load()).then(() => this.evict());
    const entry: LoadedCollection = { rows, loading, loaded, searches: 0 };
    // The searches that await `loaded` report the failure; the next search loads again.
    this.#lastLoaded = loaded.catch(() => {
      if (this.#entries.get(collection) === entry) this.drop(collection);
    });
    return entry;
  }
}

import TinyQueue from 'tinyqueue';

type Entry<Key> = { key: Key; at: number };

/**
 * The time at which each key is due. A queue asks for its next due time at every event while ten thousand messages may
 * be scheduled, locked or about to expire, so that the times are in a heap. An entry of the heap whose key was deleted
 * or got another time is stale; `next` drops it when it reaches the top.
 */
export class DueTimes<Key> {
  readonly #times = new Map<Key, number>();
  #heap = createHeap<Key>([]);

  set(key: Key, at: number): void {
    if (this.#times.get(key) === at) return;
    this.#times.set(key, at);
    this.#heap.push({ key, at });
    // Bounds the stale entries of keys that are set or deleted again and again.
    if (this.#heap.length > 2 * this.#times.size + 64) this.#rebuild();
  }

  delete(key: Key): void {
    this.#times.delete(key);
  }

  /** The earliest due time; Infinity when no key has one. */
  get next(): number {
    let top = this.#heap.peek();
    while (top !== undefined && this.#times.get(top.key) !== top.at) {
      this.#heap.pop();
      top = this.#heap.peek();
    }
    return top?.at ?? Infinity;
  }

  /** Removes the key that has been due for longest; undefined when none is due. */
  take(now: number): Key | undefined {
    if (this.next > now) return undefined;
    const due = this.#heap.pop();
    if (due !== undefined) this.#times.delete(due.key);
    return due?.key;
  }

  #rebuild(): void {
    this.#heap = createHeap([...this.#times].map(([key, at]) => ({ key, at })));
  }
}

function createHeap<Key>(entries: Entry<Key>[]): TinyQueue<Entry<Key>> {
  return new TinyQueue(entries, (one, other) => one.at - other.at);
}

/**
 * When what is due: a heap by time. A queue is asked for its next time at every event, and ten thousand messages may be
 * scheduled, locked or about to expire. What was changed or deleted is dropped when it comes to the top.
 */
export class DueTimes<Key> {
  readonly #times = new Map<Key, number>();
  #heap: Entry<Key>[] = [];

  set(key: Key, at: number): void {
    if (this.#times.get(key) === at) return;
    this.#times.set(key, at);
    this.#push({ key, at });
    if (this.#heap.length > 2 * this.#times.size + 64) this.#rebuild();
  }

  delete(key: Key): void {
    this.#times.delete(key);
  }

  /** Infinity: nothing is due by itself. */
  get next(): number {
    this.#dropStale();
    return this.#heap[0]?.at ?? Infinity;
  }

  /** What has been due for longest by then. It stays until it is deleted, or set anew. */
  due(now: number): Key | undefined {
    return this.next <= now ? this.#heap[0]?.key : undefined;
  }

  #dropStale(): void {
    for (
      let top = this.#heap[0];
      top !== undefined && this.#times.get(top.key) !== top.at;
      top = this.#heap[0]
    )
      this.#pop();
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [key, at] of this.#times) this.#push({ key, at });
  }

  #push(entry: Entry<Key>): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (timeAt(heap, parent) <= entry.at) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #pop(): void {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    heap.pop();
    for (let index = 0; ;) {
      const left = 2 * index + 1;
      const child = timeAt(heap, left + 1) < timeAt(heap, left) ? left + 1 : left;
      if (timeAt(heap, child) >= timeAt(heap, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }

  #swap(one: number, other: number): void {
    const [first, second] = [this.#heap[one], this.#heap[other]];
    if (first === undefined || second === undefined) return;
    this.#heap[one] = second;
    this.#heap[other] = first;
  }
}

type Entry<Key> = { key: Key; at: number };

function timeAt(heap: readonly Entry<unknown>[], index: number): number {
  return heap[index]?.at ?? Infinity;
}

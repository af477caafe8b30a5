/**
 * When what is due. A queue is asked for its next time at every event, and ten thousand messages may be scheduled: the
 * next time is kept, and looked for again only when it has passed.
 */
export class DueTimes {
  readonly #times = new Map<number, number>();
  #next = Infinity;
  #isKnown = true;

  set(number: number, at: number): void {
    this.#times.set(number, at);
    this.#next = Math.min(this.#next, at);
  }

  delete(number: number): void {
    if (this.#times.get(number) === this.#next) this.#isKnown = false;
    this.#times.delete(number);
  }

  /** Infinity: nothing is due by itself. */
  get next(): number {
    if (!this.#isKnown) {
      this.#next = Infinity;
      for (const at of this.#times.values()) this.#next = Math.min(this.#next, at);
      this.#isKnown = true;
    }
    return this.#next;
  }

  dueBy(now: number): number[] {
    if (this.next > now) return [];
    return [...this.#times].filter(([, at]) => at <= now).map(([number]) => number);
  }
}

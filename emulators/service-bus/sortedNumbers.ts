/** Numbers in ascending order. Adding at the end and taking from the front, the usual case, take constant time. */
export class SortedNumbers {
  #values: number[] = [];
  #head = 0;

  get size(): number {
    return this.#values.length - this.#head;
  }

  add(value: number): void {
    const last = this.#values.at(-1);
    if (this.size === 0 || last === undefined || last < value) {
      this.#values.push(value);
      return;
    }
    const at = this.#indexOf(value);
    if (this.#values[at] !== value) this.#values.splice(at, 0, value);
  }

  take(): number | undefined {
    const value = this.#values[this.#head];
    if (value === undefined) return undefined;
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#values.length) {
      this.#values = this.#values.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }

  delete(value: number): void {
    const at = this.#indexOf(value);
    if (this.#values[at] === value) this.#values.splice(at, 1);
  }

  /** The index of the first number that is not below the value. */
  #indexOf(value: number): number {
    let low = this.#head;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#values[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export type MemoryBudget = {
  total: number;
  use<Result>(bytes: number, work: () => Promise<Result>): Promise<Result>;
};

type Waiting = { bytes: number; begin: () => void };

/**
 * Limits the memory of concurrent work to `total` bytes. Work that does not fit waits; work starts in order of arrival.
 * `use` throws RangeError for work of more than `total` bytes.
 */
export function createMemoryBudget(total: number): MemoryBudget {
  const waiting: Waiting[] = [];
  let used = 0;

  function beginNext(): void {
    for (let next = waiting[0]; next !== undefined && used + next.bytes <= total; next = waiting[0]) {
      waiting.shift();
      used += next.bytes;
      next.begin();
    }
  }

  return {
    total,
    async use(bytes, work) {
      if (bytes > total) throw new RangeError('the work does not fit into the budget');
      await new Promise<void>((begin) => {
        waiting.push({ bytes, begin });
        beginNext();
      });
      try {
        return await work();
      } finally {
        used -= bytes;
        beginNext();
      }
    },
  };
}

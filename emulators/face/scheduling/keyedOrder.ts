/**
 * Runs work with the same key in the order of its arrival, and work with different keys side by side. `prepared` may
 * settle while earlier work runs.
 */
export type RunInOrder = <Prepared, Result>(
  key: string,
  prepared: Promise<Prepared>,
  work: (prepared: Prepared) => Result,
) => Promise<Result>;

export function createKeyedOrder(): RunInOrder {
  const last = new Map<string, Promise<unknown>>();
  return async (key, prepared, work) => {
    // Settled, not awaited: a failure of earlier work is not a failure of this work.
    const turn = Promise.allSettled([prepared, last.get(key)]);
    const result = turn.then(async () => work(await prepared));
    const settled = Promise.allSettled([result]);
    last.set(key, settled);
    await settled;
    if (last.get(key) === settled) last.delete(key);
    return result;
  };
}

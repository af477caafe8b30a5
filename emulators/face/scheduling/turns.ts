/**
 * Work of one key takes effect in the order of its arrival, that of different keys side by side. What the work needs
 * may be prepared meanwhile: `prepared` is waited for in turn.
 */
export type InTurn = <Prepared, Result>(
  key: string,
  prepared: Promise<Prepared>,
  work: (prepared: Prepared) => Result,
) => Promise<Result>;

export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>();
  return async (key, prepared, work) => {
    // Settled, not awaited: the failure of one is not that of the next.
    const turn = Promise.allSettled([prepared, last.get(key)]);
    const mine = turn.then(async () => work(await prepared));
    const settled = Promise.allSettled([mine]);
    last.set(key, settled);
    await settled;
    if (last.get(key) === settled) last.delete(key);
    return mine;
  };
}

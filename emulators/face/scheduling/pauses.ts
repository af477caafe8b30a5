import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a piece of work may keep other calls waiting, in milliseconds. */
const pieceMs = 10;

/** Awaited between the steps of long work: lets other calls have their turn. */
export type Pause = () => Promise<void>;

/**
 * Long work on the thread that answers calls is done in pieces. However many calls have such work, one piece is done
 * in a turn: the others wait for no more than that. Each piece of work gets a `Pause` of its own.
 */
export function createPauses(): () => Pause {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    let began = -Infinity;
    return async () => {
      if (performance.now() - began < pieceMs) return;
      const turn = last.then(() => nextTurn());
      last = turn;
      await turn;
      began = performance.now();
    };
  };
}

import type { DatabaseSync } from 'node:sqlite';

export type TurnTransaction = {
  /** @throws Error when an earlier change could not be written */
  change(write: () => void): void;
  /** Ends the open transaction, if there is one. @throws Error when a change could not be written */
  commit(): void;
};

/**
 * Writes all changes of one turn of the event loop in one transaction.
 *
 * closed:  no change is pending; the first change opens a transaction.
 * open:    `commit` ends the transaction before a response leaves, and at the latest the turn does.
 * failed:  a write failed; every further change and commit throws, because a change that is not on disk must not be
 *          acknowledged. `onFailure` is called when no caller is left to whom the error could be thrown.
 */
export function createTurnTransaction(
  db: DatabaseSync,
  onFailure: (error: unknown) => void,
): TurnTransaction {
  let failure: unknown;

  function guarded(work: () => void): void {
    if (failure !== undefined) throw new Error('the metadata cannot be kept', { cause: failure });
    try {
      work();
    } catch (error) {
      failure = error;
      throw error;
    }
  }

  function commit(): void {
    guarded(() => {
      if (db.isOpen && db.isTransaction) db.exec('COMMIT');
    });
  }

  function endTurn(): void {
    try {
      commit();
    } catch (error) {
      onFailure(error);
    }
  }

  return {
    commit,
    change(write) {
      guarded(() => {
        if (!db.isTransaction) {
          db.exec('BEGIN');
          setImmediate(endTurn);
        }
        write();
      });
    },
  };
}

import { RollcallError } from '../errors/errors.ts';
import { take, WriteConflict, type Table } from './table.ts';

/** The form of all rows in all tables; it rises with each change that an older version cannot read. */
export const tablesVersion = 2;

const partition = 'version';
const rowKey = 'tables';
type Version = { version: number };

/**
 * Checks once that the tables are of this version, and writes it into tables that are empty. What is found stays true
 * as long as the process runs; an outage does not.
 */
export function createVersionCheck(groups: Table): () => Promise<void> {
  let checking: Promise<string | undefined> | undefined;
  return async () => {
    checking ??= findOther(groups);
    const asked = checking;
    try {
      const found = await asked;
      if (found !== undefined) throw otherVersion(found);
    } catch (error) {
      if (!(error instanceof RollcallError) && checking === asked) checking = undefined;
      throw error;
    }
  };
}

/** In words, the version of the tables where it is another one. */
async function findOther(groups: Table): Promise<string | undefined> {
  const isEmpty = (await take(groups.range('groups', '', '\uffff'), 1)).length === 0;
  const found = await groups.get<Version>(partition, rowKey);
  if (found !== undefined)
    return found.value.version === tablesVersion ? undefined : `version ${found.value.version}`;
  if (!isEmpty) return 'a version before 1';
  try {
    await groups.write(partition, [{ kind: 'insert', rowKey, value: { version: tablesVersion } }]);
    return undefined;
  } catch (error) {
    // Another instance was faster.
    if (error instanceof WriteConflict) return findOther(groups);
    throw error;
  }
}

function otherVersion(found: string): RollcallError {
  return new RollcallError(
    'other_version',
    `The tables are of ${found}, and this Rollcall reads version ${tablesVersion}.`,
  );
}

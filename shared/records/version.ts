import { RollcallError } from '../errors/errors.ts';
import { take } from './ranges.ts';
import { WriteConflict, type Table } from './table.ts';

/** The version of the row format in all tables; incremented by each change that an older version cannot read. */
export const tablesVersion = 3;

const partition = 'version';
const rowKey = 'tables';
type Version = { version: number };

/**
 * Checks that the tables have this version, and writes the version into empty tables. The result is cached for the
 * life of the process, except when the check failed because the table did not answer.
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

/** Describes the version of the tables if it differs from `tablesVersion`; undefined if it is equal. */
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
    // Another instance has written the version first.
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

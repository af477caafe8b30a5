import { RollcallError } from '../../errors/errors.ts';
import { findPersonNameFault, isGroupName } from '../../images/imagePath.ts';
import { personKeyOf } from '../../records/keys.ts';
import type { Group } from '../../records/groups.ts';
import type { Rollcall } from '../../app/rollcall.ts';
import { InvalidRequest } from '../problem.ts';
import type { ApiRequest } from '../route.ts';

/** The name of the group in the path. @throws InvalidRequest when it is no group name */
export function parseGroupName(request: ApiRequest): string {
  const name = request.params['group'] ?? '';
  if (isGroupName(name)) return name;
  throw new InvalidRequest([
    { field: 'group', expected: '1 to 48 of a-z, 0-9, - and _, without two _ in a row' },
  ]);
}

/** The name of a person in NFC. @throws RollcallError bad_path when it is not allowed */
export function parsePersonName(text = ''): string {
  const fault = findPersonNameFault(text);
  if (fault === undefined) return text.normalize('NFC');
  throw new RollcallError('bad_path', fault);
}

/**
 * The key of the person that the path names. A name that is not allowed for a new person is accepted when a row of a
 * person with this name exists.
 * @throws RollcallError bad_path
 */
export async function loadPersonKey(
  group: string,
  request: ApiRequest,
  { imageRecords }: Rollcall,
): Promise<string> {
  const name = request.params['person'] ?? '';
  const key = personKeyOf(group, name);
  if ((await imageRecords.personRow(group, key)) === undefined) parsePersonName(name);
  return key;
}

/** The group that the path names. @throws InvalidRequest, RollcallError group_not_found */
export async function loadGroup(request: ApiRequest, { groups }: Rollcall): Promise<Group> {
  const group = await groups.get(parseGroupName(request));
  if (group === undefined) throw new RollcallError('group_not_found');
  return group;
}

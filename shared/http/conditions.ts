import { RollcallError } from '../errors/errors.ts';
import type { Group } from '../records/groups.ts';
import type { ApiRequest } from './route.ts';

/** The ETag of a group: the version of its settings. Changes of the images of the group do not change the ETag. */
export function etagOf({ generation, settingsVersion }: Group): string {
  return `"${generation}.${settingsVersion}"`;
}

/**
 * Checks `If-Match` and `If-None-Match` against a group; undefined stands for a group that does not exist.
 * @throws RollcallError precondition_failed
 */
export type Condition = (group: Group | undefined) => void;

/** The condition in the headers of the request; undefined when the request has neither header. */
export function conditionOf(request: ApiRequest): Condition | undefined {
  const match = request.header('if-match');
  const noneMatch = request.header('if-none-match');
  if (match === undefined && noneMatch === undefined) return undefined;
  return (group) => {
    const fits = (tags: string): boolean =>
      group !== undefined &&
      tags.split(',').some((tag) => tag.trim() === '*' || tag.trim() === etagOf(group));
    if (match !== undefined && !fits(match)) throw new RollcallError('precondition_failed');
    if (noneMatch !== undefined && fits(noneMatch)) throw new RollcallError('precondition_failed');
  };
}

import { RollcallError } from '../errors/errors.ts';
import type { Group } from '../records/groups.ts';
import type { ApiRequest } from './route.ts';

/** The version of a group's settings; what happens to its pictures does not change it. */
export function etagOf({ generation, settingsVersion }: Group): string {
  return `"${generation}.${settingsVersion}"`;
}

/** Checks `If-Match` and `If-None-Match` against a group, or that there is none. */
export type Condition = (group: Group | undefined) => void;

/** What the headers ask for, if anything. @throws RollcallError precondition_failed, when the condition is checked */
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

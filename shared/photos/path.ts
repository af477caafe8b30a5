import { containers } from '../resources.ts';
import { imageKeyOf, personKeyOf } from '../records/keys.ts';
import type { PictureRef } from '../records/ledger.ts';

/** Where a path says that a picture belongs. `person` is in NFC. */
export type Place =
  | { kind: 'enroll'; image: string; group: string; person: string; ref: PictureRef }
  | { kind: 'identify'; image: string; group: string; ref: PictureRef }
  | { kind: 'bad'; image: string; group: string; ref: PictureRef; detail: string };

/** Stands for the group of pictures whose path names none; no group can be called so. */
export const noGroup = '~';

const groupPattern = /^(?!.*__)[a-z0-9-_]{1,48}$/;
/** Control characters, and the two that no XML holds: Storage takes them in no name. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;
const longestPerson = 128;
/** Of a blob, without its container. */
const longestName = 1_024;

export function isGroupName(text: string): boolean {
  return groupPattern.test(text);
}

/** Says what is wrong with the name of a person, or nothing. */
export function faultOfPersonName(name: string): string | undefined {
  if (name.trim() === '') return 'The person has no name.';
  if (Array.from(name.normalize('NFC')).length > longestPerson)
    return `The person has more than ${longestPerson} characters.`;
  if (control.test(name)) return 'The person has control characters.';
  return name === '.' || name === '..' || name.includes('/') ? 'The person is not a name.' : undefined;
}

/** Reads `enroll/{group}/{person}/{image}` and `identify/{group}/{image}`, container first. */
export function placeOf(path: string): Place {
  const [container = '', group = '', ...rest] = path.split('/');
  const fault = faultOf(container, group, rest) ?? faultOfLength(path);
  if (fault !== undefined) {
    const known = isGroupName(group) ? group : noGroup;
    return {
      kind: 'bad',
      image: path,
      group: known,
      ref: { group: known, image: imageKeyOf(path) },
      detail: fault,
    };
  }
  if (container === containers.identify) {
    return { kind: 'identify', image: path, group, ref: { group, image: imageKeyOf(path) } };
  }
  const person = (rest[0] ?? '').normalize('NFC');
  const ref = { group, person: personKeyOf(group, person), image: imageKeyOf(path) };
  return { kind: 'enroll', image: path, group, person, ref };
}

function faultOfLength(path: string): string | undefined {
  const name = path.slice(path.indexOf('/') + 1);
  return name.length > longestName ? `The path has more than ${longestName} characters.` : undefined;
}

function faultOf(container: string, group: string, rest: readonly string[]): string | undefined {
  if (!isGroupName(group)) {
    return 'The group must be 1 to 48 of a-z, 0-9, - and _, without two _ in a row.';
  }
  const image = container === containers.enroll ? rest.slice(1) : rest;
  if (container === containers.enroll) {
    if (rest.length < 2) return 'The path must be enroll/{group}/{person}/{image}.';
    const fault = faultOfPersonName(rest[0] ?? '');
    if (fault !== undefined) return fault;
  }
  if (image.join('') === '') return 'The path names no image.';
  if (image.some((segment) => segment === '.' || segment === '..')) return 'The image has . or .. segments.';
  return control.test(image.join('/')) ? 'The image has control characters.' : undefined;
}

import type { ImageRef } from '../messages/workQueues.ts';
import { containers } from '../config/resources.ts';
import { imageKeyOf, personKeyOf } from '../records/keys.ts';

/** The group and person that an image path names, or the fault of the path. `person` is in NFC. */
export type Place =
  | { kind: 'enroll'; image: string; group: string; person: string; ref: ImageRef }
  | { kind: 'identify'; image: string; group: string; ref: ImageRef }
  | { kind: 'bad'; image: string; group: string; person?: string; ref: ImageRef; detail: string };

/** The group of images whose path names no valid group. It is itself not a valid group name, so it cannot collide. */
export const noGroup = '~';

const groupPattern = /^(?!.*__)[a-z0-9-_]{1,48}$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;
const noncharacter = /\p{Noncharacter_Code_Point}/u;
const longestPerson = 128;
/** Limit for the name of a blob, without its container, in characters. */
const longestName = 1_024;
const segmentsAtMost = 254;

export function isGroupName(text: string): boolean {
  return groupPattern.test(text);
}

/**
 * Says why Azure Storage would refuse the name of a blob or store the blob under another name. Returns undefined for a
 * valid name. Another name would stand for another image, or for an image of another person.
 */
export function findBlobNameFault(name: string): string | undefined {
  if (name.length > longestName) return `The path has more than ${longestName} characters.`;
  const segments = name.split('/');
  if (segments.length > segmentsAtMost) return `The path has more than ${segmentsAtMost} segments.`;
  if (segments.includes('')) return 'The path has an empty segment.';
  if (segments.includes('.') || segments.includes('..')) return 'The path has a . or .. segment.';
  if (name.endsWith('.')) return 'The path ends with a dot, which Azure Storage drops.';
  if (name.includes('\\')) return 'The path has a backslash, which Azure Storage turns into a slash.';
  if (control.test(name)) return 'The path has control characters.';
  const isText = name.isWellFormed() && !noncharacter.test(name);
  return isText ? undefined : 'The path has code points that are no characters.';
}

/** Says what is wrong with the name of a person. Returns undefined for a valid name. */
export function findPersonNameFault(name: string): string | undefined {
  // Checks the name as an inner segment of a path: Azure Storage drops a trailing dot only at the end of a path.
  return findPersonFault(name) ?? findBlobNameFault(`${name}/image`);
}

function findPersonFault(name: string): string | undefined {
  if (name.trim() === '') return 'The person has no name.';
  if (Array.from(name.normalize('NFC')).length > longestPerson)
    return `The person has more than ${longestPerson} characters.`;
  if (control.test(name)) return 'The person has control characters.';
  return name === '.' || name === '..' || name.includes('/') ? 'The person is not a name.' : undefined;
}

/** Whether the path lies in one of the two containers that hold images. */
export function isImagePath(path: string): boolean {
  return path.startsWith(`${containers.enroll}/`) || path.startsWith(`${containers.identify}/`);
}

/** Parses a path of the form `enroll/{group}/{person}/{image}` or `identify/{group}/{image}`. */
export function placeOf(path: string): Place {
  const [container = '', group = '', ...rest] = path.split('/');
  const detail = findPathFault(path, container, group, rest);
  const known = isImagePath(path) && isGroupName(group) ? group : noGroup;
  const common = { image: path, group: known };
  const ref = { group: known, image: imageKeyOf(path) };
  const person = parsePerson(container, known, rest);
  if (person === undefined)
    return detail === undefined
      ? { ...common, kind: 'identify', ref }
      : { ...common, kind: 'bad', ref, detail };
  const ofPerson = { ...common, person, ref: { ...ref, person: personKeyOf(known, person) } };
  return detail === undefined ? { ...ofPerson, kind: 'enroll' } : { ...ofPerson, kind: 'bad', detail };
}

/**
 * Returns the person of a path, in NFC. An image at a bad path also belongs to the person that the path names, so that
 * the image is deleted with that person.
 */
function parsePerson(container: string, group: string, [name = '', ...image]: string[]): string | undefined {
  const isNamed = container === containers.enroll && group !== noGroup && image.length > 0;
  return isNamed && findPersonFault(name) === undefined ? name.normalize('NFC') : undefined;
}

function findPathFault(
  path: string,
  container: string,
  group: string,
  rest: readonly string[],
): string | undefined {
  if (!isImagePath(path)) return 'The path must begin with enroll/ or identify/.';
  if (!isGroupName(group)) return 'The group must be 1 to 48 of a-z, 0-9, - and _, without two _ in a row.';
  if (container === containers.enroll) {
    if (rest.length < 2) return 'The path must be enroll/{group}/{person}/{image}.';
    const fault = findPersonNameFault(rest[0] ?? '');
    if (fault !== undefined) return fault;
  }
  const image = container === containers.enroll ? rest.slice(1) : rest;
  if (image.join('') === '') return 'The path names no image.';
  return findBlobNameFault(path.slice(container.length + 1));
}

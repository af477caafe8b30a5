import { placeOf } from '../images/imagePath.ts';
import { personKeyOf } from '../records/keys.ts';
import type { StoredResult } from '../records/results.ts';

/** What results hold about persons, whatever their kind. */
type Named = StoredResult & {
  person?: string;
  faces?: { faceId?: string; candidates?: { person: string }[]; matches?: { image?: string }[] }[];
};

/** Whom and what a result may still name. */
export type Naming = { person: (key: string) => boolean; image: (image: string) => boolean };

/**
 * A result without what it may not name any more: candidates and matches go, so does the image asked about; a
 * verification of a person is about nobody else, and goes as a whole. The same result comes back when all may stay.
 */
export function redact(result: StoredResult, may: Naming): StoredResult | undefined {
  const named: Named = result;
  const mayName = (person: string) => may.person(personKeyOf(result.group, person));
  if (named.person !== undefined && !mayName(named.person)) return undefined;
  const { image, faces = [] } = named;
  const hidesImage = image !== undefined && !may.image(image);
  const kept = faces.map((face) => ({
    ...face,
    ...(face.candidates && { candidates: face.candidates.filter(({ person }) => mayName(person)) }),
    ...(face.matches && {
      matches: face.matches.filter((match) => match.image === undefined || may.image(match.image)),
    }),
  }));
  const isSame = kept.every((face, index) => {
    const before = faces[index];
    return (
      face.candidates?.length === before?.candidates?.length &&
      face.matches?.length === before?.matches?.length
    );
  });
  if (isSame && !hidesImage) return result;
  const { image: _image, ...rest } = named;
  const shown: Named = {
    ...(hidesImage ? rest : named),
    ...(named.faces === undefined ? {} : { faces: kept }),
  };
  return shown;
}

/** Whether the person (a key) is the best candidate for a face of this result. */
export function isBestOf(result: StoredResult, key: string): boolean {
  const { kind, faces = [] }: Named = result;
  return (
    kind === 'identify' &&
    faces.some(
      ({ candidates: [best] = [] }) => best !== undefined && personKeyOf(result.group, best.person) === key,
    )
  );
}

/** The face IDs that were asked about. */
export function faceIdsOf({ faces = [] }: Named): string[] {
  return faces.flatMap(({ faceId }) => faceId ?? []);
}

/** The persons and the pictures that a result names. */
export function namesOf(result: StoredResult): { persons: string[]; images: string[] } {
  const { person, image, faces = [] }: Named = result;
  const persons = faces.flatMap(({ candidates = [] }) => candidates.map((candidate) => candidate.person));
  const images = faces.flatMap(({ matches = [] }) => matches.flatMap((match) => match.image ?? []));
  return {
    persons: [...new Set(person === undefined ? persons : [person, ...persons])],
    images: [...new Set(image === undefined ? images : [image, ...images])],
  };
}

/** Whether the path is that of a picture of this person. */
export function isImageOf(image: string, person: string): boolean {
  return placeOf(image).ref.person === person;
}

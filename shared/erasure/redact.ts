import { placeOf } from '../images/imagePath.ts';
import { personKeyOf } from '../records/keys.ts';
import type { StoredResult } from '../records/results.ts';

/** The fields of a result of any kind that name people or images. */
type Named = StoredResult & {
  person?: string;
  faces?: { faceId?: string; candidates?: { person: string }[]; matches?: { image?: string }[] }[];
};

/** Predicates for the people (by key) and the images that a result may still name. */
export type Naming = { person: (key: string) => boolean; image: (image: string) => boolean };

/**
 * Removes from a result the candidates, the matches and the probe that the result may no longer name. A verification of
 * a person who may not be named has no other content, so undefined is returned. Returns the given object when nothing
 * has to be removed.
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
    ...(named.faces !== undefined && { faces: kept }),
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

/** The face IDs of the probe of a result. */
export function toFaceIds({ faces = [] }: Named): string[] {
  return faces.flatMap(({ faceId }) => faceId ?? []);
}

/** The names of the people and the paths of the images in a result. */
export function toNames(result: StoredResult): { persons: string[]; images: string[] } {
  const { person, image, faces = [] }: Named = result;
  const persons = faces.flatMap(({ candidates = [] }) => candidates.map((candidate) => candidate.person));
  const images = faces.flatMap(({ matches = [] }) => matches.flatMap((match) => match.image ?? []));
  return {
    persons: [...new Set(person === undefined ? persons : [person, ...persons])],
    images: [...new Set(image === undefined ? images : [image, ...images])],
  };
}

/** Whether the path is that of an image of the person with this key. */
export function isImageOf(image: string, person: string): boolean {
  return placeOf(image).ref.person === person;
}

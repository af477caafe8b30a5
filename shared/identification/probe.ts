import { RollcallError } from '../errors/errors.ts';
import { faceLimits } from '../face/client.ts';
import type { Detect } from '../enrollment/detectFace.ts';
import type { ImageStore, ImageVersion } from '../images/imageStore.ts';
import { placeOf } from '../images/imagePath.ts';
import type { FaceIds, SeenFace } from '../records/faceIds.ts';
import type { Group } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { contentOf, versionOf } from '../records/image.ts';
import { stampedUntil } from '../records/generation.ts';
import { largestImageBytes } from '../config/resources.ts';
import type { FaceRectangle, QualityForRecognition } from '../face/types.ts';

/** The kinds of probe: the bytes of an image, an uploaded image by its path, or face IDs of an earlier answer. */
export type ProbeSource =
  | { kind: 'bytes'; bytes: Uint8Array; image?: string; version?: string }
  | { kind: 'image'; image: string }
  | { kind: 'faceIds'; faceIds: readonly string[] };

export type ProbeFace = {
  faceId: string;
  /** In pixels of the upright original. */
  faceRectangle: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
};

/**
 * `seenOn`: the uploaded images on which the faces were seen. `remembered` resolves when the face IDs are stored; an
 * answer that names the face IDs is given only after that.
 */
export type Probe = {
  image?: string;
  faces: ProbeFace[];
  /** Face returned the largest number of faces that it returns for one image: the image may show more faces. */
  truncated: boolean;
  seenOn: ReadonlySet<string>;
  remembered: Promise<void>;
};

export type ProbeOptions = {
  detect: Detect;
  imageStore: ImageStore;
  faceIds: FaceIds;
  imageRecords: Pick<ImageRecords, 'personRow'>;
};

/** How many faces of a probe, largest first, are compared when each face costs a call to Face. */
export const comparedAtMost = 10;

/**
 * The faces of a probe: newly detected, or read from the stored face IDs.
 * @throws RollcallError image_not_found, face_id_not_found, face_id_expired, and the reasons to reject an image
 */
export async function fetchProbe(options: ProbeOptions, group: Group, source: ProbeSource): Promise<Probe> {
  switch (source.kind) {
    case 'bytes':
      return detectProbe(options, group, source);
    case 'image':
      return detectProbe(options, group, await readImage(options, group, source.image));
    case 'faceIds':
      return loadProbe(options, group, source.faceIds);
  }
}

async function detectProbe(
  { detect }: ProbeOptions,
  { group, recognitionModel }: Group,
  { bytes, image, version }: { bytes: Uint8Array; image?: string; version?: string },
): Promise<Probe> {
  const of = { ...(image !== undefined && { image }), ...(version !== undefined && { version }) };
  const { faces: found, remembered } = await detect(bytes, { group, recognitionModel, ...of });
  const faces = found.map(({ faceId, faceRectangle, faceAttributes: { qualityForRecognition } = {} }) => ({
    faceId,
    faceRectangle,
    ...(qualityForRecognition !== undefined && { qualityForRecognition }),
  }));
  return {
    ...(image !== undefined && { image }),
    faces,
    truncated: found.length >= faceLimits.detectedFaces,
    remembered,
    seenOn: new Set(image === undefined ? [] : [image]),
  };
}

async function readImage(options: ProbeOptions, group: Group, image: string) {
  const place = placeOf(image);
  if (place.kind === 'bad') throw new RollcallError('bad_path', place.detail);
  if (place.group !== group.group) {
    throw new RollcallError('image_not_found', 'image must name a picture of this group, container first.');
  }
  const present = await options.imageStore.version(image);
  if (present === undefined || (await isOfEarlierGeneration(options, group, place.ref.person, present)))
    throw new RollcallError('image_not_found');
  if (present.bytes > largestImageBytes) throw new RollcallError('image_too_large');
  const bytes = await options.imageStore.read(image, present.etag);
  if (bytes === 'gone') throw new RollcallError('image_not_found');
  if (bytes === 'archived') throw new RollcallError('image_archived');
  if (bytes === 'changed') throw new RollcallError('conflict', 'The picture is being written.');
  return { bytes, image, version: versionOf({ image, etag: present.etag }, contentOf(bytes)) };
}

/**
 * Whether the image was written no later than the last deletion of its group or person. Such an image does not exist
 * for callers, even if its blob has not been deleted yet.
 */
async function isOfEarlierGeneration(
  { imageRecords }: ProbeOptions,
  group: Group,
  person: string | undefined,
  { writtenAt }: ImageVersion,
): Promise<boolean> {
  if (writtenAt <= (group.deletedAt ?? -1)) return true;
  const row = person === undefined ? undefined : await imageRecords.personRow(group.group, person);
  return writtenAt <= (row?.deletedAt ?? -1);
}

async function loadProbe(options: ProbeOptions, group: Group, faceIds: readonly string[]): Promise<Probe> {
  const seen = await Promise.all(faceIds.map((faceId) => seenFace(options, group, faceId)));
  return {
    faces: seen.map(({ faceId, faceRectangle }) => ({ faceId, faceRectangle })),
    truncated: false,
    seenOn: new Set(seen.flatMap(({ image }) => image ?? [])),
    remembered: Promise.resolve(),
  };
}

/**
 * The stored face of an ID. A face of an earlier generation of its group or person, or of another recognition model
 * than that of the group, counts as not found.
 */
async function seenFace(
  { faceIds, imageRecords }: ProbeOptions,
  group: Group,
  faceId: string,
): Promise<SeenFace> {
  const face = await faceIds.get(group.group, faceId);
  if (face === undefined || face.recognitionModel !== group.recognitionModel)
    throw new RollcallError('face_id_not_found');
  const key = face.image === undefined ? undefined : placeOf(face.image).ref.person;
  const person = key === undefined ? undefined : await imageRecords.personRow(group.group, key);
  const lastDeletedAt = [group.deletedAt, person?.deletedAt].map(stampedUntil);
  if (face.detectedAt <= Math.max(...lastDeletedAt)) throw new RollcallError('face_id_not_found');
  if (!faceIds.isUsable(face)) throw new RollcallError('face_id_expired');
  return face;
}

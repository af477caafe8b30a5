import { RollcallError } from '../errors.ts';
import type { Detect } from '../photos/detect.ts';
import type { PhotoStore } from '../photos/photoStore.ts';
import { placeOf } from '../photos/path.ts';
import type { FaceIds } from '../records/faceIds.ts';
import type { Group } from '../records/groups.ts';
import type { FaceRectangle, QualityForRecognition } from '../face/types.ts';

/** What is asked about: a picture as it came, a dropped one, or faces of an earlier answer. */
export type ProbeSource =
  | { kind: 'bytes'; bytes: Uint8Array; image?: string; version?: string }
  | { kind: 'image'; image: string }
  | { kind: 'faceIds'; faceIds: readonly string[] };

export type ProbeFace = {
  faceId: string;
  /** Pixels of the upright original. */
  faceRectangle: FaceRectangle;
  qualityForRecognition?: QualityForRecognition;
};

export type Probe = { image?: string; faces: ProbeFace[] };

export type ProbeOptions = { detect: Detect; photos: PhotoStore; faceIds: FaceIds };

/**
 * The faces that are asked about: newly detected, or remembered by their IDs.
 * @throws RollcallError image_not_found, face_id_not_found, face_id_expired, and what a picture is refused for
 */
export async function facesOf(options: ProbeOptions, group: Group, source: ProbeSource): Promise<Probe> {
  switch (source.kind) {
    case 'bytes':
      return detectProbe(options, group, source);
    case 'image':
      return detectProbe(options, group, await readDropped(options.photos, group, source.image));
    case 'faceIds':
      return {
        faces: await Promise.all(source.faceIds.map((faceId) => remembered(options.faceIds, group, faceId))),
      };
  }
}

async function detectProbe(
  { detect }: ProbeOptions,
  { group, recognitionModel }: Group,
  source: { bytes: Uint8Array; image?: string; version?: string },
): Promise<Probe> {
  const { bytes, ...picture } = source;
  const found = await detect(bytes, { group, recognitionModel, ...placed(picture) });
  const faces = found.map(({ faceId, faceRectangle, faceAttributes }) => ({
    faceId,
    faceRectangle,
    ...(faceAttributes?.qualityForRecognition === undefined
      ? {}
      : { qualityForRecognition: faceAttributes.qualityForRecognition }),
  }));
  return picture.image === undefined ? { faces } : { image: picture.image, faces };
}

function placed({ image, version }: { image?: string; version?: string }) {
  return { ...(image === undefined ? {} : { image }), ...(version === undefined ? {} : { version }) };
}

async function readDropped(photos: PhotoStore, { group }: Group, image: string) {
  const place = placeOf(image);
  if (place.kind === 'bad' || place.group !== group) {
    throw new RollcallError('image_not_found', 'image must name a picture of this group, container first.');
  }
  const photo = await photos.version(image);
  const bytes = photo === undefined ? 'gone' : await photos.read(image, photo.version);
  if (photo === undefined || bytes === 'gone') throw new RollcallError('image_not_found');
  if (bytes === 'changed') throw new RollcallError('conflict', 'The picture is being written.');
  return { bytes, image, version: photo.version };
}

async function remembered(faceIds: FaceIds, { group }: Group, faceId: string): Promise<ProbeFace> {
  const face = await faceIds.get(group, faceId);
  if (face === undefined) throw new RollcallError('face_id_not_found');
  if (!faceIds.isUsable(face)) throw new RollcallError('face_id_expired');
  return { faceId, faceRectangle: face.faceRectangle };
}

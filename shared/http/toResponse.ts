import type { z } from 'zod';
import type { Erasure } from '../records/erasure.ts';
import { tombstoneLifetimeMs } from '../records/erasures.ts';
import type { Group } from '../records/groups.ts';
import type { GroupCounts, Person } from '../records/imageRecords.ts';
import { sha256In, type ImageRecord } from '../records/image.ts';
import { noGroup } from '../images/imagePath.ts';
import { isCovered, stateOf, type Training } from '../training/machine.ts';
import type * as schemas from './schemas.ts';

/** Converts records to answers of the API: times in ISO 8601, without internal fields. */

const iso = (time: number): string => new Date(time).toISOString();

export function toGroupSettings(group: Group): z.output<typeof schemas.groupSettings> {
  const { identifyThreshold, minQuality, severalFaces } = group;
  return {
    group: group.group,
    recognitionModel: group.recognitionModel as 'recognition_04',
    ...(identifyThreshold !== undefined && { identifyThreshold }),
    ...(minQuality !== undefined && { minQuality }),
    ...(severalFaces !== undefined && { severalFaces }),
  };
}

export function toGroup(
  group: Group,
  counts: GroupCounts,
  training: Training,
): z.output<typeof schemas.group> {
  const { identified: _identified, ...images } = counts.images;
  const { detected: _detected, enrolled: _enrolled, ...probes } = counts.probes;
  return {
    ...toGroupSettings(group),
    persons: counts.persons,
    images,
    probes,
    training: {
      state: stateOf(training),
      covered: isCovered(training),
      ...(training.lastTrainedAt !== undefined && { lastTrainedAt: iso(training.lastTrainedAt) }),
      ...(training.error !== undefined && { error: training.error }),
    },
  };
}

export function toPerson({ person, personId, images, createdAt }: Person): z.output<typeof schemas.person> {
  const { identified: _identified, ...counts } = images;
  return {
    person,
    ...(personId !== undefined && { personId }),
    images: counts,
    createdAt: iso(createdAt),
  };
}

export function toImage(image: ImageRecord): z.output<typeof schemas.imageRecord> {
  const { group, person, reason, detail, faceRectangle, qualityForRecognition, persisted, state } = image;
  return {
    image: image.image,
    ...(group !== noGroup && { group }),
    ...(person !== undefined && { person }),
    state,
    ...(reason !== undefined && { reason }),
    ...(detail !== undefined && { detail }),
    ...(faceRectangle !== undefined && { faceRectangle }),
    ...(qualityForRecognition !== undefined && { qualityForRecognition }),
    ...(state === 'enrolled' && persisted !== undefined && { persistedFaceId: persisted.faceId }),
    bytes: image.bytes,
    ...(image.content !== undefined && { sha256: sha256In(image.content) }),
    receivedAt: iso(image.receivedAt),
    updatedAt: iso(image.updatedAt),
  };
}

export function toErasure(erasure: Erasure): z.output<typeof schemas.erasure> {
  const { id, kind, group, requestedAt, removedAt, finishedAt, templatesExpireAt, erased } = erasure;
  return {
    id,
    group,
    kind,
    state: finishedAt !== undefined ? 'finished' : removedAt !== undefined ? 'removed' : 'running',
    requestedAt: iso(requestedAt),
    ...(removedAt !== undefined && { removedAt: iso(removedAt) }),
    ...(finishedAt !== undefined && { finishedAt: iso(finishedAt) }),
    ...(templatesExpireAt !== undefined && { templatesExpireAt: iso(templatesExpireAt) }),
    erased,
    kept: removedAt === undefined ? [] : listKept(erasure),
  };
}

/** What is kept after all data that Rollcall stores has been removed, and why. */
function listKept(erasure: Erasure): z.output<typeof schemas.kept>[] {
  const { kind, withProbes, removedAt = 0, finishedAt, templatesExpireAt, isTombstoneGone } = erasure;
  const kept: z.output<typeof schemas.kept>[] = [];
  if (finishedAt === undefined && templatesExpireAt !== undefined)
    kept.push({
      what: 'templates',
      why: 'Face keeps what it has detected until then; no answer uses it.',
      until: iso(templatesExpireAt),
    });
  if (kind === 'person' && withProbes !== true)
    kept.push({
      what: 'probes',
      why: 'Images to identify stay until their retention ends, whoever is on them; no answer names the person.',
    });
  if (kind === 'group')
    kept.push({
      what: 'tombstone',
      why: 'The name of the group and the number of its generations: late work of an earlier one creates nothing.',
    });
  else if (isTombstoneGone !== true)
    kept.push({
      what: 'tombstone',
      why: 'The number of generations under a hash of the name: late work of an earlier one creates nothing.',
      until: iso(removedAt + tombstoneLifetimeMs),
    });
  return kept;
}

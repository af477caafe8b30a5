import { RollcallError } from '../errors/errors.ts';
import { admittedBy, policyOf, type PolicySettings } from './enrollmentPolicy.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { PolicyChanges } from '../records/policyChanges.ts';
import type { Settings } from '../config/settings.ts';

export type GroupSettings = Partial<
  Pick<Group, 'recognitionModel' | 'identifyThreshold' | 'minQuality' | 'severalFaces'>
>;

/** Of the settings of a group that comes into being. */
const firstVersion = 1;

/** A detection, and the add of the face that it found. */
const faceCallsPerPicture = 2;

export type GroupOptions = {
  groups: Groups;
  policyChanges: PolicyChanges;
  settings: PolicySettings & Pick<Settings, 'RECOGNITION_MODEL'>;
  now: () => number;
};

export type PutGroupOptions = GroupOptions & { imageRecords: Pick<ImageRecords, 'counts'> };

/** Of a change of the policy: at most so many pictures are looked at again, for at most so many calls to Face. */
export type Reconsideration = { pictures: number; calls: number };

/**
 * Creates the group or changes its settings; what is not given stays. `condition` may object to what is there. What the
 * group refused and its own policy now admits is looked at again by the next resyncs, and told as `lookingAgain`.
 * @throws RollcallError recognition_model_fixed: a group keeps its model, since its faces would not compare
 */
export async function putGroup(
  options: PutGroupOptions,
  name: string,
  wanted: GroupSettings,
  condition: (group: Group | undefined) => void = () => undefined,
): Promise<{ group: Group; lookingAgain?: Reconsideration }> {
  const { groups, imageRecords, policyChanges, settings, now } = options;
  let admitsMore = false;
  const group = await groups.change(
    name,
    (before) => {
      condition(before?.isDeleted === true ? undefined : before);
      if (before === undefined || before.isDeleted === true) {
        const born = newGroup(name, wanted.recognitionModel ?? settings.RECOGNITION_MODEL, now());
        return { ...born, ...ofEarlierLives(before), ...wanted };
      }
      if (wanted.recognitionModel !== undefined && wanted.recognitionModel !== before.recognitionModel) {
        throw new RollcallError('recognition_model_fixed', `The group has ${before.recognitionModel}.`);
      }
      return Object.keys(wanted).length === 0
        ? before
        : { ...before, ...wanted, settingsVersion: before.settingsVersion + 1, updatedAt: now() };
    },
    async (after, before) => {
      if (before === undefined || before.isDeleted === true) return announceBirth(options, before);
      const reasons = admittedBy(policyOf(after, settings), policyOf(before, settings));
      admitsMore = reasons.length > 0;
      if (admitsMore)
        await policyChanges.note({ group: name, version: after.settingsVersion, reasons, notedAt: now() });
    },
  );
  if (group === undefined) throw new RollcallError('group_not_found');
  if (!admitsMore) return { group };
  const { rejected } = (await imageRecords.counts(name)).images;
  return { group, lookingAgain: { pictures: rejected, calls: rejected * faceCallsPerPicture } };
}

/**
 * The group of a picture that was written then (milliseconds since 1970, by the clock of the storage account), brought
 * into being with it. Undefined when the group was deleted since, and the picture with it.
 */
export async function groupFor(
  options: GroupOptions,
  name: string,
  writtenAt: number,
): Promise<Group | undefined> {
  const { groups, settings, now } = options;
  const isGone = (row: Group | undefined) => writtenAt <= (row?.deletedAt ?? -1);
  const group = await groups.change(
    name,
    (before) =>
      isGone(before) || (before !== undefined && before.isDeleted !== true)
        ? before
        : { ...newGroup(name, settings.RECOGNITION_MODEL, now()), ...ofEarlierLives(before) },
    async (_after, before) => announceBirth(options, before),
  );
  return isGone(group) ? undefined : group;
}

/**
 * What is remembered of the group of a probe that was written then. A probe brings no group into being: where there is
 * none, it waits for one in the name's next life. Undefined when the group was deleted since, and the probe with it.
 */
export async function groupAwaited(
  { groups, settings, now }: GroupOptions,
  name: string,
  writtenAt: number,
): Promise<Group | undefined> {
  const group = await groups.change(
    name,
    (before) => before ?? { ...newGroup(name, settings.RECOGNITION_MODEL, now()), isDeleted: true },
  );
  return writtenAt <= (group?.deletedAt ?? -1) ? undefined : group;
}

/** Probes that were dropped before the group came into being are looked at again. */
async function announceBirth({ policyChanges, now }: GroupOptions, before: Group | undefined): Promise<void> {
  if (before === undefined) return;
  const reasons = ['group_not_found' as const];
  await policyChanges.note({ group: before.group, version: firstVersion, reasons, notedAt: now() });
}

/** What a group that was deleted hands on to its next life. */
function ofEarlierLives(before: Group | undefined): Partial<Group> {
  if (before === undefined) return {};
  const { generation, faceGroupEpoch, isStaleInFace, leasedUntil, createdInFaceUntil, deletedAt, erasures } =
    before;
  return {
    generation,
    faceGroupEpoch,
    ...(isStaleInFace === undefined ? {} : { isStaleInFace }),
    ...(leasedUntil === undefined ? {} : { leasedUntil }),
    ...(createdInFaceUntil === undefined ? {} : { createdInFaceUntil }),
    ...(deletedAt === undefined ? {} : { deletedAt }),
    ...(erasures === undefined ? {} : { erasures }),
  };
}

function newGroup(group: string, recognitionModel: string, now: number): Group {
  return {
    group,
    recognitionModel,
    settingsVersion: firstVersion,
    generation: 1,
    faceGroupEpoch: 1,
    inFace: false,
    createdAt: now,
    updatedAt: now,
  };
}

/** The group as it is remembered from the moment of its deletion on. */
export function deletedGroup(group: Group, erasure: string, deletedAt: number): Group {
  return {
    ...newGroup(group.group, group.recognitionModel, group.createdAt),
    ...ofEarlierLives(group),
    generation: group.generation + 1,
    faceGroupEpoch: group.faceGroupEpoch + 1,
    isStaleInFace: true,
    isDeleted: true,
    deletedAt,
    erasures: [...(group.erasures ?? []), erasure],
  };
}

import { RollcallError } from '../errors/errors.ts';
import { admittedBy, policyOf, type PolicySettings } from './enrollmentPolicy.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { PolicyChanges } from '../records/policyChanges.ts';
import type { Settings } from '../config/settings.ts';

export type GroupSettings = Partial<
  Pick<Group, 'recognitionModel' | 'identifyThreshold' | 'minQuality' | 'severalFaces'>
>;

/** The settings version of a new group. */
const firstVersion = 1;

/** One detection, and one add of the face that the detection found. */
const faceCallsPerPicture = 2;

export type GroupOptions = {
  groups: Groups;
  policyChanges: PolicyChanges;
  settings: PolicySettings & Pick<Settings, 'RECOGNITION_MODEL'>;
  now: () => number;
};

export type PutGroupOptions = GroupOptions & { imageRecords: Pick<ImageRecords, 'counts'> };

/**
 * Upper bounds of the cost of a policy change: images that are reconciled again, and calls to Face for these images.
 */
export type Reconsideration = { pictures: number; calls: number };

/**
 * Creates the group or changes its settings; a setting that is not given keeps its value. `condition` may throw to
 * reject the change on the grounds of the present group. Images that the old policy rejected and the new policy may
 * admit are reconciled again by the next resyncs; `lookingAgain` gives the upper bounds of that work.
 * @throws RollcallError recognition_model_fixed: a group keeps its recognition model, because faces of different models
 * cannot be compared
 */
export async function putGroup(
  options: PutGroupOptions,
  name: string,
  wanted: GroupSettings,
  condition: (group: Group | undefined) => void = () => undefined,
): Promise<{ group: Group; lookingAgain?: Reconsideration }> {
  const { groups, imageRecords, policyChanges, settings, now } = options;
  const toReasons = (after: Group, before: Group | undefined) =>
    before === undefined || before.isDeleted === true
      ? []
      : admittedBy(policyOf(after, settings), policyOf(before, settings));
  const { before: previous, after: group } = await groups.update(
    name,
    (before) => {
      condition(before?.isDeleted === true ? undefined : before);
      if (before === undefined || before.isDeleted === true) {
        const born = newGroup(name, wanted.recognitionModel ?? settings.RECOGNITION_MODEL, now());
        return { ...born, ...ofEarlierGenerations(before), ...wanted };
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
      const reasons = toReasons(after, before);
      if (reasons.length > 0)
        await policyChanges.note({ group: name, version: after.settingsVersion, reasons, notedAt: now() });
    },
  );
  if (group === undefined) throw new RollcallError('group_not_found');
  if (toReasons(group, previous).length === 0) return { group };
  const { rejected } = (await imageRecords.counts(name)).images;
  return { group, lookingAgain: { pictures: rejected, calls: rejected * faceCallsPerPicture } };
}

/**
 * The group of an image that was written at `writtenAt` (milliseconds since 1970, by the clock of the storage account).
 * The group is created when it does not exist. Undefined when the group was deleted after the image was written: the
 * deletion covers the image too.
 */
export async function groupFor(
  options: GroupOptions,
  name: string,
  writtenAt: number,
): Promise<Group | undefined> {
  const { groups, settings, now } = options;
  const isGone = (row: Group | undefined) => writtenAt <= (row?.deletedAt ?? -1);
  const { after: group } = await groups.update(
    name,
    (before) =>
      isGone(before) || (before !== undefined && before.isDeleted !== true)
        ? before
        : { ...newGroup(name, settings.RECOGNITION_MODEL, now()), ...ofEarlierGenerations(before) },
    async (_after, before) => announceBirth(options, before),
  );
  return isGone(group) ? undefined : group;
}

/**
 * The row of the group of a probe that was written at `writtenAt`, for a living or a deleted group. A probe does not
 * create a group: when no row exists, a row with `isDeleted` is written, so that the creation of the group finds the
 * row and has waiting probes reconciled again. Undefined when the group was deleted after the probe was written: the
 * deletion covers the probe too.
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

/** Has the resync reconcile the probes again that were uploaded before the group was created. */
async function announceBirth({ policyChanges, now }: GroupOptions, before: Group | undefined): Promise<void> {
  if (before === undefined) return;
  const reasons = ['group_not_found' as const];
  await policyChanges.note({ group: before.group, version: firstVersion, reasons, notedAt: now() });
}

/** The fields of a deleted group that the next generation of the group keeps. */
function ofEarlierGenerations(before: Group | undefined): Partial<Group> {
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

/** The row that replaces the row of a group when the group is deleted. */
export function deletedGroup(group: Group, erasure: string, deletedAt: number): Group {
  return {
    ...newGroup(group.group, group.recognitionModel, group.createdAt),
    ...ofEarlierGenerations(group),
    generation: group.generation + 1,
    faceGroupEpoch: group.faceGroupEpoch + 1,
    isStaleInFace: true,
    isDeleted: true,
    deletedAt,
    erasures: [...(group.erasures ?? []), erasure],
  };
}

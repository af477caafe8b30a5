import { deferred, RollcallError } from '../errors/errors.ts';
import type { Group, Groups } from '../records/groups.ts';

export type LeaseOptions = {
  groups: Groups;
  /** Time limit of one call to Face. A call without an answer after twice this time no longer takes effect. */
  callTimeoutMs: number;
  now: () => number;
};

/** An instance that leases a group sends its call to Face within this time, or not at all. */
const actWithinMs = 20_000;
const comeBackMs = 1_000;

export function deletedMeanwhile(): RollcallError {
  return new RollcallError('conflict', 'The group was deleted meanwhile.');
}

/**
 * A deletion in Face that was not answered and may still take effect. A group that is created before then would be
 * deleted too, so the lease is kept until it runs out.
 */
export class DeletionInDoubt extends RollcallError {
  constructor(options: LeaseOptions) {
    super('busy', undefined, { retryAfterMs: landedForSureMs(options) });
  }
}

/** A call without an answer no longer takes effect after twice its time limit. */
function landedForSureMs({ callTimeoutMs }: LeaseOptions): number {
  return 2 * callTimeoutMs;
}

/**
 * Takes the lease of a group: until `leasedUntil`, no other instance creates or deletes the group in Face. `change` is
 * applied to the group in the same write.
 * @throws RollcallError `busy` while another instance holds the lease
 */
export async function takeLease(
  options: LeaseOptions,
  name: string,
  change: (group: Group) => Group = (group) => group,
): Promise<Group> {
  const { groups, now } = options;
  const leaseMs = actWithinMs + landedForSureMs(options);
  const after = await groups.change(name, (group) => {
    if (group === undefined) return undefined;
    if ((group.leasedUntil ?? 0) > now()) throw deferred(comeBackMs);
    return { ...change(group), leasedUntil: now() + leaseMs };
  });
  if (after === undefined) throw deletedMeanwhile();
  return after;
}

/**
 * Until when a call to Face may be sent under the lease: the lease has to outlast the call, however late the call takes
 * effect.
 */
export function sendBefore(options: LeaseOptions, { leasedUntil = 0 }: Group): { sendBefore: number } {
  return { sendBefore: leasedUntil - landedForSureMs(options) };
}

/**
 * Ends the lease. A group that was deleted in the meantime has another epoch, and `change` is not applied to it.
 * `mayBeCreated`: a creation in Face was not answered; if the creation takes effect, it does so within the time of the
 * lease, which is kept as `createdInFaceUntil`.
 */
export async function releaseLease(
  { groups }: LeaseOptions,
  { group: name, faceGroupEpoch, leasedUntil }: Group,
  change: (group: Group) => Group,
  mayBeCreated = false,
): Promise<Group> {
  const after = await groups.change(name, (group) => {
    if (group === undefined) return undefined;
    const { leasedUntil: leased, ...rest } = group.faceGroupEpoch === faceGroupEpoch ? change(group) : group;
    return {
      ...rest,
      ...(leased !== undefined && leased !== leasedUntil && { leasedUntil: leased }),
      ...(mayBeCreated && leasedUntil !== undefined && { createdInFaceUntil: leasedUntil }),
    };
  });
  if (after === undefined) throw deletedMeanwhile();
  return after;
}

/** Ends the lease after a failure, except when a deletion is in doubt. The caller rethrows the error. */
export async function endLease(
  options: LeaseOptions,
  leased: Group,
  error: unknown,
  change = (group: Group): Group => group,
): Promise<void> {
  if (!(error instanceof DeletionInDoubt)) await releaseLease(options, leased, change);
}

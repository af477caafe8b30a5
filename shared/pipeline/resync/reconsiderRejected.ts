import type { WorkQueues } from '../../messages/workQueues.ts';
import { placeOf } from '../../images/imagePath.ts';
import type { Groups } from '../../records/groups.ts';
import type { ImageRecords, Page } from '../../records/imageRecords.ts';
import { reconsidered, type ImageRecord } from '../../records/image.ts';
import type { PolicyChanges, StoredPolicyChange } from '../../records/policyChanges.ts';
import { WriteConflict } from '../../records/table.ts';

export type ReconsiderOptions = {
  policyChanges: PolicyChanges;
  groups: Groups;
  imageRecords: ImageRecords;
  workQueues: WorkQueues;
  now: () => number;
};

/** How much one resync looks at. */
const slice = { changes: 20, pictures: 500 } as const;

type PageQuery = { group: string; generation: number; after: string; top: number };

/** A change of which so long nothing was written never was: its caller died, or was refused. */
const abandonedAfterMs = 3_600_000;

/**
 * In the order in which a picture goes through them, so that none is overlooked that goes on meanwhile: what is at work
 * is marked before it can be refused by the earlier policy.
 */
const states = ['received', 'detected', 'rejected'] as const;

/** Looks again at pictures that the earlier policy of their group refused, a slice of each group at a time. */
export function createReconsider({
  policyChanges,
  groups,
  imageRecords,
  workQueues,
  now,
}: ReconsiderOptions) {
  async function goOn(change: StoredPolicyChange): Promise<void> {
    const group = await groups.get(change.group);
    // Written before the group is: it may be about to be, or was deleted.
    if (group === undefined || group.settingsVersion < change.version) {
      if (now() - change.notedAt > abandonedAfterMs) await policyChanges.advance(change, undefined);
      return;
    }
    let after: string | undefined = change.after ?? '';
    for (let left: number = slice.pictures; after !== undefined && left > 0;) {
      const page = await pageOf({ group: change.group, generation: group.generation, after, top: left });
      for (const { image } of page.items) await lookAgain(image, change);
      left -= page.items.length;
      after = page.next;
    }
    await policyChanges.advance(change, after);
  }

  /** A page of one state; its token is that state and the token within it. */
  async function pageOf({ group, generation, after, top }: PageQuery): Promise<Page<ImageRecord>> {
    const [name, ...within] = after.split('/');
    const index = Math.max(
      0,
      states.findIndex((state) => state === name),
    );
    const state = states[index];
    const page = await imageRecords.listImages(group, {
      state,
      top,
      after: within.join('/') || undefined,
      generation,
    });
    const following = states[index + 1];
    if (page.next !== undefined) return { ...page, next: `${state}/${page.next}` };
    return following === undefined ? page : { ...page, next: `${following}/` };
  }

  async function lookAgain(image: string, change: StoredPolicyChange): Promise<void> {
    const { ref } = placeOf(image);
    let isQueued = false;
    await imageRecords.change(ref, (picture) => {
      if (picture === undefined) return undefined;
      const after = reconsidered(picture, change, now());
      isQueued = picture.state === 'rejected' && after.state === 'received';
      return after;
    });
    if (isQueued) await workQueues.enqueueImage(ref);
  }

  return async (): Promise<void> => {
    for (const change of await policyChanges.list(slice.changes)) {
      // It was noted once more: the next resync begins anew.
      await goOn(change).catch((error: unknown) => {
        if (!(error instanceof WriteConflict)) throw error;
      });
    }
  };
}

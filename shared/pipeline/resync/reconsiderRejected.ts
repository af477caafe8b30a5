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

/** How many changes one run handles, and how many images of each change. */
const slice = { changes: 20, images: 500 } as const;

type PageQuery = { group: string; generation: number; after: string; top: number };

/** After this time without an update, a change was never made: its caller died, or was refused. */
const abandonedAfterMs = 3_600_000;

/**
 * The states in the order of an image's way, so that an image that moves on meanwhile is not overlooked: an image at
 * work is marked before the earlier policy can refuse it.
 */
const states = ['received', 'detected', 'rejected'] as const;

/** Rechecks images that the earlier policy of their group refused, one page of each group in each run. */
export async function reconsiderRejected(options: ReconsiderOptions): Promise<void> {
  for (const change of await options.policyChanges.list(slice.changes)) {
    // A change that was noted once more meanwhile starts anew in the next run.
    await recheckPage(options, change).catch((error: unknown) => {
      if (!(error instanceof WriteConflict)) throw error;
    });
  }
}

async function recheckPage(options: ReconsiderOptions, change: StoredPolicyChange): Promise<void> {
  const { groups, policyChanges, now } = options;
  const group = await groups.get(change.group);
  // The change is noted before the group is written: the write may still come, or the group was deleted.
  if (group === undefined || group.settingsVersion < change.version) {
    if (now() - change.notedAt > abandonedAfterMs) await policyChanges.advance(change, undefined);
    return;
  }
  let after: string | undefined = change.after ?? '';
  for (let left: number = slice.images; after !== undefined && left > 0;) {
    const query = { group: change.group, generation: group.generation, after, top: left };
    const page = await readPage(options, query);
    for (const { image } of page.items) await recheck(options, image, change);
    left -= page.items.length;
    after = page.next;
  }
  await policyChanges.advance(change, after);
}

/** Reads a page of one state; its token is the state and the token within the state. */
async function readPage(
  { imageRecords }: ReconsiderOptions,
  { group, generation, after, top }: PageQuery,
): Promise<Page<ImageRecord>> {
  const [name, ...within] = after.split('/');
  const found = states.findIndex((state) => state === name);
  const index = Math.max(0, found);
  const state = states[index];
  const query = { state, top, after: within.join('/') || undefined, generation };
  const page = await imageRecords.listImages(group, query);
  const following = states[index + 1];
  if (page.next !== undefined) return { ...page, next: `${state}/${page.next}` };
  return following === undefined ? page : { ...page, next: `${following}/` };
}

async function recheck(
  { imageRecords, workQueues, now }: ReconsiderOptions,
  path: string,
  change: StoredPolicyChange,
): Promise<void> {
  const { ref } = placeOf(path);
  let isQueued = false;
  await imageRecords.change(ref, (image) => {
    if (image === undefined) return undefined;
    const after = reconsidered(image, change, now());
    isQueued = image.state === 'rejected' && after.state === 'received';
    return after;
  });
  if (isQueued) await workQueues.enqueueImage(ref);
}

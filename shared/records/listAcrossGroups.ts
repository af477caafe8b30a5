import type { Groups } from './groups.ts';
import type { ImageRecords, Page, ImageQuery } from './imageRecords.ts';
import type { ImageRecord } from './image.ts';

export type ListAllImages = ReturnType<typeof listAcrossGroups>;

/**
 * Lists the images that belong to no group, then the images of every group in order of group name, including groups
 * that do not exist but have probes waiting for them. The token of a page is `{group}/{token within the group}`. One
 * page searches at most `groupsAtMost` groups; its token then continues at the next group.
 */
export function listAcrossGroups(groups: Groups, imageRecords: ImageRecords, noGroup: string) {
  const groupsAtMost = 200;
  return async ({
    state,
    top,
    after = `${noGroup}/`,
  }: Omit<ImageQuery, 'person'>): Promise<Page<ImageRecord>> => {
    const items: ImageRecord[] = [];
    const slash = after.indexOf('/');
    let group: string | undefined = after.slice(0, slash);
    let within: string | undefined = after.slice(slash + 1) || undefined;
    let generation = group === noGroup ? 0 : (await groups.row(group))?.generation;
    for (let looked = 0; group !== undefined; looked += 1) {
      if (looked === groupsAtMost) return { items, next: `${group}/` };
      const page = await imageRecords.listImages(group, {
        state,
        top: top - items.length,
        after: within,
        generation,
      });
      items.push(...page.items);
      if (page.next !== undefined) return { items, next: `${group}/${page.next}` };
      const [next]: { group: string; generation: number }[] = (
        await groups.listRows({ top: 1, after: group === noGroup ? '' : group })
      ).items;
      if (items.length >= top && next !== undefined) return { items, next: `${next.group}/` };
      group = next?.group;
      generation = next?.generation;
      within = undefined;
    }
    return { items };
  };
}

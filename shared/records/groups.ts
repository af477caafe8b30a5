import { createFacePersonNames } from './facePersonNames.ts';
import { prefixed, type Page, type PageQuery } from './ranges.ts';
import type { Table, Updated } from './table.ts';

export type Group = {
  group: string;
  recognitionModel: string;
  /** 0 to 1; absent: Face's default. */
  identifyThreshold?: number;
  minQuality?: 'high' | 'medium' | 'low' | 'none';
  severalFaces?: 'reject' | 'dominant' | 'largest';
  /** Incremented by each change of the settings above. */
  settingsVersion: number;
  /** Incremented when the group is deleted: images of an earlier generation end as `removed`. */
  generation: number;
  /** Incremented when the group is emptied in Face: people of an earlier epoch no longer exist in Face. */
  faceGroupEpoch: number;
  /** Whether Face has the group. `leasedUntil`: until this time an instance holds the lease to create it. */
  inFace: boolean;
  leasedUntil?: number;
  /**
   * A creation of the group in Face was not answered and may take effect until this time; the group is not deleted in
   * Face before this time.
   */
  createdInFaceUntil?: number;
  /** Face may hold the group of an earlier generation: that group is deleted in Face before a new one is created. */
  isStaleInFace?: boolean;
  /** By the clock of the storage account: images written until this time belong to an earlier generation. */
  deletedAt?: number;
  /** The group does not exist: nothing was uploaded since its deletion, or only probes were ever uploaded. */
  isDeleted?: boolean;
  /** IDs of unfinished erasures of earlier generations. */
  erasures?: string[];
  /** IDs of unfinished erasures of people that also erase probes. */
  probeErasures?: string[];
  createdAt: number;
  updatedAt: number;
};

export type Groups = ReturnType<typeof createGroups>;

type Transition = (group: Group | undefined) => Group | undefined;

const partition = 'groups';

/** The rows of groups, in one partition. */
export function createGroups(table: Table) {
  /** The row of a group, existing or deleted. */
  async function row(group: string): Promise<Group | undefined> {
    return (await table.get<Group>(partition, group))?.value;
  }

  /** One page of the rows of groups, existing or deleted, in order of name. */
  async function listRows(
    page: PageQuery,
    isWanted: (group: Group) => boolean = () => true,
  ): Promise<Page<Group>> {
    const { items, ...rest } = await table.list<Group>(prefixed(partition, ''), page, ({ value }) =>
      isWanted(value),
    );
    return { items: items.map(({ value }) => value), ...rest };
  }

  /** Changes the row of a group, existing or deleted; `announce` is called before each attempt to write. */
  async function update(
    group: string,
    transition: Transition,
    announce: (after: Group, before: Group | undefined) => Promise<void> = async () => undefined,
  ): Promise<Updated<Group>> {
    return table.update(partition, group, transition, async (after, before) => {
      await announce(after, before);
      return [];
    });
  }

  return {
    ...createFacePersonNames(table),
    row,
    update,
    listRows,

    /** The row of an existing group; undefined when the group is deleted. */
    async get(group: string): Promise<Group | undefined> {
      const found = await row(group);
      return found?.isDeleted === true ? undefined : found;
    },

    /** As `update`; resolves with the row as it is then. */
    change: async (group: string, transition: Transition) => (await update(group, transition)).after,

    /** One page of the existing groups, in order of name. */
    list: (page: PageQuery): Promise<Page<Group>> => listRows(page, ({ isDeleted }) => isDeleted !== true),
  };
}

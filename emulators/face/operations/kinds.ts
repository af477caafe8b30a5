import { FaceFault, faults } from '../contract/faults.ts';
import type { FacePlan } from '../scheduling/quota.ts';

type Limits = { collections: number; each: number; inAll: number };

type KindTraits = {
  /** The segment of the path, and the name of the kind in the store. */
  path: 'largepersongroups' | 'persongroups' | 'largefacelists' | 'facelists';
  idProperty: 'largePersonGroupId' | 'personGroupId' | 'largeFaceListId' | 'faceListId';
  /** Prefix of error codes. */
  code: string;
  /** The name in messages. */
  title: string;
  /** A group holds persons, which hold faces; a list holds faces. */
  holds: 'persons' | 'faces';
  /** Added faces are found after a training. Otherwise they are found at once, and returned with their collection. */
  trained: boolean;
  /**
   * A small collection refuses changes and identify during a training; a large one accepts changes and answers from
   * its last training.
   */
  closedWhileTraining: boolean;
  /** `each` and `inAll` count persons in groups, and faces in lists. */
  limits: Record<FacePlan, Limits>;
};

/** The free plan has the same limits for both kinds of groups, and for both kinds of lists. */
const freeGroups: Limits = { collections: 1_000, each: 1_000, inAll: 1_000 };
const smallLists: Limits = { collections: 64, each: 1_000, inAll: Infinity };

const traits: KindTraits[] = [
  {
    path: 'largepersongroups',
    idProperty: 'largePersonGroupId',
    code: 'LargePersonGroup',
    title: 'Large person group',
    holds: 'persons',
    trained: true,
    closedWhileTraining: false,
    limits: { F0: freeGroups, S0: { collections: 1_000_000, each: 1_000_000, inAll: 1_000_000_000 } },
  },
  {
    path: 'persongroups',
    idProperty: 'personGroupId',
    code: 'PersonGroup',
    title: 'Person group',
    holds: 'persons',
    trained: true,
    closedWhileTraining: true,
    limits: { F0: freeGroups, S0: { collections: 1_000_000, each: 10_000, inAll: 100_000_000 } },
  },
  {
    path: 'largefacelists',
    idProperty: 'largeFaceListId',
    code: 'LargeFaceList',
    title: 'Large face list',
    holds: 'faces',
    trained: true,
    closedWhileTraining: false,
    limits: { F0: smallLists, S0: { collections: 1_000_000, each: 1_000_000, inAll: Infinity } },
  },
  {
    path: 'facelists',
    idProperty: 'faceListId',
    code: 'FaceList',
    title: 'Face list',
    holds: 'faces',
    trained: false,
    closedWhileTraining: false,
    limits: { F0: smallLists, S0: smallLists },
  },
];

function withFaults(kind: KindTraits) {
  const { code, title } = kind;
  return {
    ...kind,
    /** The label in metrics. */
    noun: kind.holds === 'persons' ? 'Group' : 'List',
    faults: {
      // 400 in recognition, 404 in management.
      notFound: (status: 400 | 404) => new FaceFault(status, `${code}NotFound`, `${title} is not found.`),
      invalidId: () => faults.badArgument(`${title} ID is invalid.`),
      invalidIdInPath: () => new FaceFault(404, `${code}NotFound`, `${title} ID is invalid.`),
      exists: () => new FaceFault(409, `${code}Exists`, `${title} already exists.`),
      notTrained: (status: 400 | 404) => new FaceFault(status, `${code}NotTrained`, `${title} not trained.`),
      underTraining: () => new FaceFault(409, `${code}TrainingNotFinished`, `${title} is under training.`),
      notReady: () => new FaceFault(400, `${code}NotReady`, `${title} is empty.`),
      tooMany: () =>
        faults.quota(
          kind.holds === 'persons'
            ? `${title} number reached subscription level limit.`
            : `${title} number reached limit.`,
        ),
      tooManyPersons: () => faults.quota(`Person number reached ${title.toLowerCase()} level limit.`),
      tooManyPersonsInAll: () => faults.quota('Person number reached subscription level limit.'),
    },
  };
}

/** The table of the kinds of collections, from which routes, IDs, error codes and limits follow. */
export const kinds = traits.map(withFaults);
export type Kind = (typeof kinds)[number];

const validId = /^[a-z0-9-_]{1,64}$/;

export function isCollectionId(id: unknown): id is string {
  return typeof id === 'string' && validId.test(id);
}

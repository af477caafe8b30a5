import { FaceFault, faults } from '../faults.ts';
import type { FacePlan } from '../scheduling/quota.ts';

type Limits = { collections: number; each: number; inAll: number };

type KindTraits = {
  /** Its part of the path, and its name in the store. */
  path: 'largepersongroups' | 'persongroups' | 'largefacelists' | 'facelists';
  idProperty: 'largePersonGroupId' | 'personGroupId' | 'largeFaceListId' | 'faceListId';
  /** What its error codes begin with, and how messages name it. */
  code: string;
  title: string;
  /** A group holds persons, who hold faces; a list holds faces. */
  holds: 'persons' | 'faces';
  /** What is added is found after a training. Without one it is found at once, and read with its collection. */
  trained: boolean;
  /**
   * A small collection refuses changes and identify while it trains; a large one takes changes and answers from its
   * last trained state.
   */
  closedWhileTraining: boolean;
  /** Of persons, or of the faces of lists. */
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
    /** How metrics name it. */
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

/** The kinds of collections, one a row: routes, IDs, error codes and limits follow from it. */
export const kinds = traits.map(withFaults);
export type Kind = (typeof kinds)[number];

const validId = /^[a-z0-9-_]{1,64}$/;

export function isCollectionId(id: unknown): id is string {
  return typeof id === 'string' && validId.test(id);
}

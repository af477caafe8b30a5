import { FaceFault, faults } from './faults.ts';
import type { FacePlan } from './quota.ts';

type KindTraits = {
  /** Its part of the path, and its name in the store. */
  path: 'largepersongroups' | 'persongroups';
  idProperty: 'largePersonGroupId' | 'personGroupId';
  /** What its error codes begin with, and how messages name it. */
  code: string;
  title: string;
  /**
   * A small collection refuses changes and identify while it trains; a large one takes changes and answers from its
   * last trained state.
   */
  closedWhileTraining: boolean;
  limits: Record<FacePlan, { collections: number; personsEach: number; persons: number }>;
};

/** The free plan has the same limits for every kind. */
const F0 = { collections: 1_000, personsEach: 1_000, persons: 1_000 };

const traits: KindTraits[] = [
  {
    path: 'largepersongroups',
    idProperty: 'largePersonGroupId',
    code: 'LargePersonGroup',
    title: 'Large person group',
    closedWhileTraining: false,
    limits: { F0, S0: { collections: 1_000_000, personsEach: 1_000_000, persons: 1_000_000_000 } },
  },
  {
    path: 'persongroups',
    idProperty: 'personGroupId',
    code: 'PersonGroup',
    title: 'Person group',
    closedWhileTraining: true,
    limits: { F0, S0: { collections: 1_000_000, personsEach: 10_000, persons: 100_000_000 } },
  },
];

function withFaults(kind: KindTraits) {
  const { code, title } = kind;
  return {
    ...kind,
    faults: {
      // 400 in recognition, 404 in management.
      notFound: (status: 400 | 404) => new FaceFault(status, `${code}NotFound`, `${title} is not found.`),
      invalidId: () => faults.badArgument(`${title} ID is invalid.`),
      invalidIdInPath: () => new FaceFault(404, `${code}NotFound`, `${title} ID is invalid.`),
      exists: () => new FaceFault(409, `${code}Exists`, `${title} already exists.`),
      notTrained: (status: 400 | 404) => new FaceFault(status, `${code}NotTrained`, `${title} not trained.`),
      underTraining: () => new FaceFault(409, `${code}TrainingNotFinished`, `${title} is under training.`),
      tooMany: () => faults.quota(`${title} number reached subscription level limit.`),
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

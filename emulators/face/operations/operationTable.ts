import { collectionOperations } from './collections.ts';
import { detect } from './detect.ts';
import { findSimilar } from './findSimilar.ts';
import { group } from './group.ts';
import { identify } from './identify.ts';
import { kinds, type Kind } from './kinds.ts';
import type { Operation } from './operation.ts';
import { persistedFaceOperations } from './persistedFaces.ts';
import { personOperations } from './persons.ts';
import { trainingOperations } from './trainingOperations.ts';
import { verify } from './verify.ts';

function listOperations(kind: Kind): Operation[] {
  return [
    ...collectionOperations(kind),
    ...(kind.holds === 'persons' ? personOperations(kind) : []),
    ...persistedFaceOperations(kind),
    ...(kind.trained ? trainingOperations(kind) : []),
  ];
}

/** All operations: the 56 methods and paths that v1.0 and v1.2 have in common. */
export const operations: readonly Operation[] = [
  ...[detect, identify, findSimilar, group, verify],
  ...kinds.flatMap(listOperations),
];

import { FaceFault, faults } from '../contract/faults.ts';
import { isCollectionId, kinds, type Kind } from './kinds.ts';
import type { FaceContext } from './operation.ts';
import type { YieldIfDue } from '../scheduling/timeSlices.ts';
import { readUuid } from './parameters.ts';
import type { StoredCollection, StoredDetection } from '../storage/store.ts';
import type { RecognitionModel } from '../contract/vision.ts';

const groups = kinds.filter(({ holds }) => holds === 'persons');

/** A face that detect has found. */
export type Probe = StoredDetection & { faceId: string };

/**
 * The detected face with this ID.
 * @param missing the status of FaceNotFound: 404 in verify, 400 elsewhere
 * @throws FaceFault
 */
export function loadProbe({ store, now }: FaceContext, value: unknown, missing: 400 | 404 = 400): Probe {
  if (typeof value !== 'string') throw faults.body();
  const faceId = readUuid(value);
  if (faceId === undefined) throw faults.badArgument('Face ID is invalid.');
  const found = store.detection(faceId, now());
  if (found === undefined) throw faults.faceNotFound(missing);
  return { faceId, ...found };
}

/** The detected faces with these IDs, in order. @throws FaceFault when one is missing */
export async function loadProbes(
  context: FaceContext,
  values: readonly unknown[],
  yieldIfDue: YieldIfDue,
): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const value of values) {
    await yieldIfDue();
    probes.push(loadProbe(context, value));
  }
  return probes;
}

export function readFaceIds(value: unknown, least: number, most: number): unknown[] {
  if (value !== undefined && !Array.isArray(value)) throw faults.body();
  const faceIds = (value ?? []) as unknown[];
  if (faceIds.length < least || faceIds.length > most) throw faults.faceIds();
  return faceIds;
}

/** @throws FaceFault for a probe of another model; without `model`, of another one than the first probe's */
export function refuseOtherModels(
  probes: readonly Probe[],
  model: RecognitionModel | undefined = probes[0]?.recognitionModel,
): void {
  if (probes.some(({ recognitionModel }) => recognitionModel !== model)) throw faults.incompatibleModel();
}

/** Reads `maxNumOfCandidatesReturned`. */
export function readTop(value: unknown, otherwise: number, most: number): number {
  const top = value ?? otherwise;
  if (typeof top === 'number' && Number.isInteger(top) && top >= 1 && top <= most) return top;
  throw faults.badArgument('The argument maxNumOfCandidatesReturned is not valid.');
}

/** The group of persons in a body. @throws FaceFault 400 unless the body names exactly one */
export function loadGroup(
  { store }: FaceContext,
  body: Record<string, unknown>,
): { kind: Kind; collection: StoredCollection } {
  const [kind, ...others] = groups.filter(({ idProperty }) => body[idProperty] !== undefined);
  if (kind === undefined) throw toGroupFault('BothNull', 'both null');
  if (others.length > 0) throw toGroupFault('BothNotNull', 'both not null');
  const id = body[kind.idProperty];
  if (!isCollectionId(id)) throw kind.faults.invalidId();
  const collection = store.collection(kind.path, id);
  if (collection === undefined) throw kind.faults.notFound(400);
  return { kind, collection };
}

function toGroupFault(ending: string, are: string): FaceFault {
  return new FaceFault(
    400,
    `PersonGroupIdAndLargePersonGroupId${ending}`,
    `Person group ID and large person group ID are ${are}.`,
  );
}

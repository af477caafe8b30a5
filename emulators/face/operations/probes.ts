import { FaceFault, faults } from '../faults.ts';
import { isCollectionId, kinds, type Kind } from './kinds.ts';
import type { FaceContext } from './operations.ts';
import type { Pause } from '../scheduling/pauses.ts';
import { readUuid } from '../http/requests.ts';
import type { StoredCollection, StoredDetection } from '../storage/store.ts';
import type { RecognitionModel } from '../vision.ts';

const groups = kinds.filter(({ holds }) => holds === 'persons');

/** A face that detect has found, by its face ID. */
export type Probe = StoredDetection & { faceId: string };

/**
 * The face that was detected under this ID.
 * @param missing the status of FaceNotFound: 404 in verify, 400 elsewhere
 */
export function probeOf({ store, now }: FaceContext, value: unknown, missing: 400 | 404 = 400): Probe {
  if (typeof value !== 'string') throw faults.body();
  const faceId = readUuid(value);
  if (faceId === undefined) throw faults.badArgument('Face ID is invalid.');
  const found = store.detection(faceId, now());
  if (found === undefined) throw faults.faceNotFound(missing);
  return { faceId, ...found };
}

/** The same for up to a thousand. */
export async function probesOf(
  context: FaceContext,
  values: readonly unknown[],
  pause: Pause,
): Promise<Probe[]> {
  const probes: Probe[] = [];
  for (const value of values) {
    await pause();
    probes.push(probeOf(context, value));
  }
  return probes;
}

export function readFaceIds(value: unknown, least: number, most: number): unknown[] {
  if (value !== undefined && !Array.isArray(value)) throw faults.body();
  const faceIds = (value ?? []) as unknown[];
  if (faceIds.length < least || faceIds.length > most) throw faults.faceIds();
  return faceIds;
}

/** Probes have to be of one model; where it is not given, the first one's. */
export function refuseOtherModels(
  probes: readonly Probe[],
  model: RecognitionModel | undefined = probes[0]?.recognitionModel,
): void {
  if (probes.some(({ recognitionModel }) => recognitionModel !== model)) throw faults.incompatibleModel();
}

/** How many answers a call wants: `maxNumOfCandidatesReturned`. */
export function readTop(value: unknown, otherwise: number, most: number): number {
  const top = value ?? otherwise;
  if (typeof top === 'number' && Number.isInteger(top) && top >= 1 && top <= most) return top;
  throw faults.badArgument('The argument maxNumOfCandidatesReturned is not valid.');
}

/** The one collection of persons that a body names. @throws FaceFault 400 */
export function scopeOf(
  { store }: FaceContext,
  body: Record<string, unknown>,
): { kind: Kind; collection: StoredCollection } {
  const [kind, ...others] = groups.filter(({ idProperty }) => body[idProperty] !== undefined);
  if (kind === undefined) throw scopeFault('BothNull', 'both null');
  if (others.length > 0) throw scopeFault('BothNotNull', 'both not null');
  const id = body[kind.idProperty];
  if (!isCollectionId(id)) throw kind.faults.invalidId();
  const collection = store.collection(kind.path, id);
  if (collection === undefined) throw kind.faults.notFound(400);
  return { kind, collection };
}

function scopeFault(ending: string, are: string): FaceFault {
  return new FaceFault(
    400,
    `PersonGroupIdAndLargePersonGroupId${ending}`,
    `Person group ID and large person group ID are ${are}.`,
  );
}

import type { TableClient } from '@azure/data-tables';
import type { FaceClient } from '../../../shared/face/client.ts';
import { FaceError } from '../../../shared/face/errors.ts';
import { createFaceIds, type SeenFace } from '../../../shared/records/faceIds.ts';
import type { Group } from '../../../shared/records/groups.ts';
import { createTable } from '../../../shared/records/table.ts';
import { createTrainings } from '../../../shared/records/trainings.ts';
import { tables } from '../../../shared/config/resources.ts';
import { untrained } from '../../../shared/training/machine.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { picture } from '../histories/world.ts';

/** A call to the Face client, and what it was given. */
export type Call = { operation: string; given: unknown[] };

/** The face on any picture is this one, until a test says otherwise. */
const probe = 'probe';

/**
 * The real pipeline on storage in memory, with a Face client that is scripted: galleries of ten thousand faces, and face
 * IDs that expire in the middle of a call, cannot be had otherwise.
 */
export function startPipeline() {
  const calls: Call[] = [];
  const expired = new Set<string>();
  let facesOnPicture = [probe];
  let groups = 0;
  /** How alike a face is to the one that is asked about; the others are not alike. */
  const alike = new Map<string, number>();

  function known(ids: readonly string[]): void {
    if (ids.some((id) => expired.has(id))) throw new FaceError(400, 'FaceNotFound', 'Face is not found.');
  }

  const scripted: Pick<FaceClient, 'detect' | 'identify' | 'findSimilar'> = {
    async detect() {
      return facesOnPicture.map((faceId) => ({
        faceId,
        faceRectangle: { left: 1, top: 2, width: 40, height: 50 },
      }));
    },
    async identify(group, faceIds, options) {
      calls.push({ operation: 'identify', given: [group, faceIds, options] });
      known(faceIds);
      return faceIds.map((faceId) => ({ faceId, candidates: [] }));
    },
    async findSimilar(faceId, faceIds, options) {
      calls.push({ operation: 'findSimilar', given: [faceId, faceIds, options] });
      known([faceId, ...faceIds]);
      return faceIds
        .flatMap((id) => ({ faceId: id, confidence: alike.get(id) ?? 0 }))
        .filter(({ confidence }) => confidence > 0)
        .slice(0, options.maxCandidates);
    },
  };
  const { rollcall, clock, table } = inMemory({ face: scripted });
  const tableOf = (name: string) => createTable(table(name) as unknown as TableClient);
  const now = (): number => clock.now;
  const faceIds = createFaceIds(tableOf(tables.faceIds), now);
  const trainings = createTrainings(tableOf(tables.trainings), { initial: untrained, isOpen: () => false });

  return {
    rollcall,
    calls,
    expired,
    alike,
    picture: picture(true),
    now,
    showFaces(ids: string[]): void {
      facesOnPicture = ids;
    },
    /** The name of a new group; the script begins anew. */
    async newGroup(asked: Parameters<typeof rollcall.putGroup>[1]): Promise<string> {
      calls.length = 0;
      expired.clear();
      alike.clear();
      facesOnPicture = [probe];
      groups += 1;
      await rollcall.putGroup(`g${groups}`, asked);
      return `g${groups}`;
    },
    /** A group that is there. */
    async groupNamed(name: string): Promise<Group> {
      const found = await rollcall.groups.get(name);
      if (found === undefined) throw new Error(`there is no group ${name}`);
      return found;
    },
    /** Faces that were seen over HTTP, the first the newest, a millisecond apart, from this time back. */
    async see(group: string, ids: readonly string[], newestAt: number): Promise<void> {
      const seen = ids.map((faceId, index): SeenFace => ({
        faceId,
        faceRectangle: { left: 0, top: 0, width: 40, height: 40 },
        recognitionModel: 'recognition_04',
        detectedAt: newestAt - index,
        expiresAt: now() + 3_600_000,
      }));
      await faceIds.remember(group, seen);
    },
    async train(group: string): Promise<void> {
      await trainings.change(group, (training) => ({ ...training, lastTrainedAt: now() }));
    },
  };
}

import { faceLimits, type FaceClient } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { inParallel, readsAtOnce } from '../records/parallel.ts';
import { placeOf } from '../images/imagePath.ts';
import type { FaceIds, SeenFace } from '../records/faceIds.ts';
import type { Group } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import { stampedUntil } from '../records/generation.ts';
import type { Results } from '../records/results.ts';
import type { IdentifyAnswer } from './identify.ts';
import { groupKnownFaces } from './knownFaces.ts';

export type ClusteredFace = {
  faceId: string;
  image?: string;
  faceRectangle: FaceRectangle;
  detectedAt: string;
};

export type ClusterAnswer = {
  group: string;
  searched: number;
  truncated: boolean;
  clusters: { faces: ClusteredFace[] }[];
  others: ClusteredFace[];
};

export type ClusterOptions = {
  face: FaceClient;
  faceIds: FaceIds;
  imageRecords: ImageRecords;
  results: Results;
};

/** How many answers are searched for faces without a candidate. */
const answersAtMost = 5_000;
const answersAtATime = 200;

export type Cluster = (group: Group, query: { since?: number | undefined }) => Promise<ClusterAnswer>;

/**
 * Groups the faces for which identify found no candidate, so that an unknown person who was seen often can be given a
 * name. The newest 1,000 faces whose IDs Face should still know are compared, in one call if Face knows all of them.
 */
export function createCluster(options: ClusterOptions): Cluster {
  return async (group, { since = 0 }) => {
    const { faces, truncated } = await loadUnknownFaces(options, group, since);
    const ids = faces.map(({ faceId }) => faceId);
    const { groups, messyGroup, known } = await groupKnownFaces(options.face, ids);
    const byId = new Map(faces.map((face) => [face.faceId, face]));
    const view = (of: readonly string[]) => of.flatMap((id) => toView(byId.get(id)));
    return {
      group: group.group,
      searched: known.length,
      truncated: truncated || known.length < faces.length,
      clusters: groups.toSorted((a, b) => b.length - a.length).map((alike) => ({ faces: view(alike) })),
      others: view(messyGroup),
    };
  };
}

async function loadUnknownFaces(
  options: ClusterOptions,
  group: Group,
  since: number,
): Promise<{ faces: SeenFace[]; truncated: boolean }> {
  const faces = new Map<string, SeenFace>();
  const earliest = Math.max(since, stampedUntil(group.deletedAt) + 1);
  let after: string | undefined;
  for (let looked = 0; looked < answersAtMost; looked += answersAtATime) {
    const page = await options.results.list(group.group, { kind: 'identify', top: answersAtATime, after });
    const answers = page.items as IdentifyAnswer[];
    const recent = answers.filter(({ createdAt }) => Date.parse(createdAt) >= earliest);
    for (const face of await loadUsableFaces(options, group, listUnnamed(recent, group))) {
      if (faces.size === faceLimits.groupedFaceIds) return { faces: [...faces.values()], truncated: true };
      faces.set(face.faceId, face);
    }
    if (page.next === undefined || recent.length < answers.length)
      return { faces: [...faces.values()], truncated: false };
    after = page.next;
  }
  return { faces: [...faces.values()], truncated: true };
}

/** The face IDs without a candidate in the answers, for the recognition model of the group. */
function listUnnamed(answers: readonly IdentifyAnswer[], { recognitionModel }: Group): string[] {
  const faces = answers
    .filter((answer) => answer.recognitionModel === recognitionModel)
    .flatMap((answer) => answer.faces);
  return [...new Set(faces.filter(({ candidates }) => candidates.length === 0).map(({ faceId }) => faceId))];
}

/** The faces whose IDs have not expired and whose image, if they have one, still exists. */
async function loadUsableFaces(
  { faceIds, imageRecords }: ClusterOptions,
  group: Group,
  ids: readonly string[],
): Promise<SeenFace[]> {
  const seen = await inParallel(ids, readsAtOnce, async (faceId) => {
    const face = await faceIds.get(group.group, faceId);
    if (face === undefined || !faceIds.isUsable(face)) return undefined;
    if (face.image === undefined) return face;
    return (await imageRecords.livingImage(group, placeOf(face.image).ref)) && face;
  });
  return seen.filter((face) => face !== undefined);
}

function toView(face: SeenFace | undefined): ClusteredFace[] {
  if (face === undefined) return [];
  const { faceId, image, faceRectangle, detectedAt } = face;
  return [
    {
      faceId,
      ...(image !== undefined && { image }),
      faceRectangle,
      detectedAt: new Date(detectedAt).toISOString(),
    },
  ];
}

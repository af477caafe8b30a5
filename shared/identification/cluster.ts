import { faceLimits, type FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { FaceRectangle } from '../face/types.ts';
import { placeOf } from '../photos/path.ts';
import type { FaceIds, SeenFace } from '../records/faceIds.ts';
import type { Group } from '../records/groups.ts';
import type { Ledger } from '../records/ledger.ts';
import { stampedUntil } from '../records/life.ts';
import type { Results } from '../records/results.ts';
import type { IdentifyAnswer } from './identify.ts';

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

export type ClusterOptions = { face: FaceClient; faceIds: FaceIds; ledger: Ledger; results: Results };

/** Answers that are looked through for faces that nobody was named for. */
const answersAtMost = 5_000;
const answersAtATime = 200;

export type Cluster = (group: Group, query: { since?: number | undefined }) => Promise<ClusterAnswer>;

/**
 * Which of the faces that identify knew nobody for belong together, so that a stranger who was seen often can be
 * given a name. The newest thousand that Face still remembers are compared, in one call.
 */
export function createCluster(options: ClusterOptions): Cluster {
  return async (group, { since = 0 }) => {
    const { faces, truncated } = await unknownFaces(options, group, since);
    const { groups, messyGroup, left } = await grouped(options.face, faces);
    const byId = new Map(faces.map((face) => [face.faceId, face]));
    const view = (ids: readonly string[]) => ids.flatMap((id) => viewOf(byId.get(id)));
    return {
      group: group.group,
      searched: left,
      truncated: truncated || left < faces.length,
      clusters: groups.toSorted((a, b) => b.length - a.length).map((ids) => ({ faces: view(ids) })),
      others: view(messyGroup),
    };
  };
}

async function unknownFaces(
  { faceIds, ledger, results }: ClusterOptions,
  group: Group,
  since: number,
): Promise<{ faces: SeenFace[]; truncated: boolean }> {
  const faces = new Map<string, SeenFace>();
  let after: string | undefined;
  for (let looked = 0; looked < answersAtMost; looked += answersAtATime) {
    const page = await results.list(group.group, { kind: 'identify', top: answersAtATime, after });
    for (const answer of page.items as IdentifyAnswer[]) {
      if (Date.parse(answer.createdAt) < Math.max(since, stampedUntil(group.deletedAt) + 1))
        return { faces: [...faces.values()], truncated: false };
      if (answer.recognitionModel !== group.recognitionModel) continue;
      for (const { faceId, candidates } of answer.faces) {
        if (candidates.length > 0 || faces.has(faceId)) continue;
        const seen = await faceIds.get(group.group, faceId);
        if (seen === undefined || !faceIds.isUsable(seen)) continue;
        if (seen.image !== undefined && !(await ledger.livingPicture(group, placeOf(seen.image).ref)))
          continue;
        if (faces.size === faceLimits.groupedFaceIds) return { faces: [...faces.values()], truncated: true };
        faces.set(faceId, seen);
      }
    }
    if (page.next === undefined) return { faces: [...faces.values()], truncated: false };
    after = page.next;
  }
  return { faces: [...faces.values()], truncated: true };
}

/** An ID that Face no longer knows fails the whole call, and is one of the oldest: these are left out then. */
async function grouped(face: FaceClient, newestFirst: readonly SeenFace[]) {
  for (let left = newestFirst.length; left > 1; left >>= 1) {
    const ids = newestFirst.slice(0, left).map(({ faceId }) => faceId);
    try {
      return { ...(await face.group(ids)), left };
    } catch (error) {
      if (!isFaceError(error, 400, 'FaceNotFound')) throw error;
    }
  }
  const [only] = newestFirst;
  return {
    groups: [],
    messyGroup: only === undefined ? [] : [only.faceId],
    left: only === undefined ? 0 : 1,
  };
}

function viewOf(face: SeenFace | undefined): ClusteredFace[] {
  if (face === undefined) return [];
  const { faceId, image, faceRectangle, detectedAt } = face;
  return [
    {
      faceId,
      ...(image === undefined ? {} : { image }),
      faceRectangle,
      detectedAt: new Date(detectedAt).toISOString(),
    },
  ];
}

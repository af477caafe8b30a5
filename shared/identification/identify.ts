import { RollcallError } from '../errors/errors.ts';
import { faceLimits, type FaceClient } from '../face/client.ts';
import { isFaceError } from '../face/errors.ts';
import type { IdentifyResult } from '../face/types.ts';
import type { UntrainedFaces } from '../records/untrainedFaces.ts';
import type { Group, Groups } from '../records/groups.ts';
import type { ImageRecords } from '../records/imageRecords.ts';
import type { RecordAs, Results, StoredResult } from '../records/results.ts';
import type { Training } from '../training/machine.ts';
import { loadCandidates, type Candidate } from './candidates.ts';
import { truncateToRecordSize } from './truncateToRecordSize.ts';
import type { SearchBudget } from './searchBudget.ts';
import { addUntrainedCandidates } from './untrainedCandidates.ts';
import { fetchProbe, type ProbeFace, type ProbeOptions, type ProbeSource } from './probe.ts';

export type IdentifyAnswer = StoredResult & {
  kind: 'identify';
  recognitionModel: string;
  /** Whether the group has ever been trained. An answer for an untrained group has no candidates. */
  trained: boolean;
  /** Present when Face returned the largest number of faces that it returns for one image. */
  truncated?: true;
  faces: (ProbeFace & { candidates: Candidate[] })[];
};

export type IdentificationOptions = ProbeOptions & {
  face: FaceClient;
  groups: Groups;
  imageRecords: ImageRecords;
  untrainedFaces: UntrainedFaces;
  searchBudget: SearchBudget;
  results: Results;
  training: (group: string) => Promise<Training | undefined>;
  now: () => number;
};

/** `confidenceThreshold`: 0 to 1; absent: the threshold of the group, or else the default of Face. */
export type IdentifyQuery = { maxCandidates: number; confidenceThreshold?: number | undefined };

export type Identify = (
  group: Group,
  source: ProbeSource,
  query: IdentifyQuery,
  as?: RecordAs,
) => Promise<IdentifyAnswer>;

const spareCandidates = 10;

/** Identifies the people on a probe: every face with its candidates, best first. Records the answer. */
export function createIdentify(options: IdentificationOptions): Identify {
  const { results, now } = options;
  return async (group, source, query, as = { id: results.newId() }) => {
    const asked = { ...query, confidenceThreshold: query.confidenceThreshold ?? group.identifyThreshold };
    // Tables are read and written in parallel with the calls to Face.
    const [probe, training] = await Promise.all([
      fetchProbe(options, group, source),
      options.training(group.group),
    ]);
    const { faces, remembered, seenOn: _seenOn, truncated, ...image } = probe;
    const [identified] = await Promise.all([
      training?.lastTrainedAt === undefined
        ? undefined
        : identifyFaces(options, group.group, faces, withSpare(asked)),
      remembered,
    ]);
    const trained = identified !== undefined;
    const answered = identified ?? new Map<string, IdentifyResult>();
    const toCandidates = await loadCandidates(
      options,
      group,
      [...answered.values()].flatMap(({ candidates }) => candidates),
    );
    const resolved = faces.map((face) => ({
      ...face,
      candidates: toCandidates(answered.get(face.faceId)?.candidates ?? []).slice(0, query.maxCandidates),
    }));
    // Untrained faces could be searched in a group that was never trained, too. But `trained: false` tells callers that
    // there are no candidates yet, and the first training takes only seconds.
    const named = trained
      ? await addUntrainedCandidates(options, group, training?.lastSucceeded ?? 0, resolved, asked)
      : resolved;
    const createdAt = new Date(now()).toISOString();
    const toAnswer = (kept: number): IdentifyAnswer => ({
      id: as.id,
      kind: 'identify',
      group: group.group,
      recognitionModel: group.recognitionModel,
      createdAt,
      trained,
      ...image,
      ...(truncated && { truncated }),
      faces: named.map((face) => ({ ...face, candidates: face.candidates.slice(0, kept) })),
    });
    const answer = truncateToRecordSize(toAnswer, query.maxCandidates);
    await results.record(
      answer,
      answer.faces.flatMap((face) => face.candidates.map(({ person }) => person)),
      as,
    );
    return answer;
  };
}

/** More candidates than asked for: Face may still return people that were deleted since the last training. */
function withSpare(query: IdentifyQuery): IdentifyQuery {
  const maxCandidates = Math.min(query.maxCandidates + spareCandidates, faceLimits.identifyCandidates);
  return { ...query, maxCandidates };
}

/** Calls Face in batches of at most 10 faces. Undefined when the group is not trained or not in Face. */
async function identifyFaces(
  { face }: IdentificationOptions,
  group: string,
  faces: readonly ProbeFace[],
  query: IdentifyQuery,
): Promise<Map<string, IdentifyResult> | undefined> {
  const identified = new Map<string, IdentifyResult>();
  for (let start = 0; start < faces.length; start += faceLimits.identifyFaceIds) {
    const faceIds = faces.slice(start, start + faceLimits.identifyFaceIds).map(({ faceId }) => faceId);
    try {
      const answers = await face.identify(group, faceIds, query);
      for (const answer of answers) identified.set(answer.faceId, answer);
    } catch (error) {
      // The last face of the group was removed since the training was read, and the group was deleted in Face.
      if (isFaceError(error, 400, 'LargePersonGroupNotTrained', 'LargePersonGroupNotFound')) return undefined;
      throw isFaceError(error, 400, 'FaceNotFound')
        ? new RollcallError('face_id_expired', undefined, { cause: error })
        : error;
    }
  }
  return identified;
}

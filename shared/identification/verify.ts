import { RollcallError } from '../errors/errors.ts';
import { isFaceError } from '../face/errors.ts';
import type { Group } from '../records/groups.ts';
import { personKeyOf } from '../records/keys.ts';
import type { RecordAs, StoredResult } from '../records/results.ts';
import type { IdentificationOptions } from './identify.ts';
import { comparedAtMost, fetchProbe, type ProbeFace, type ProbeSource } from './probe.ts';

export type VerifiedFace = ProbeFace & { isIdentical: boolean; confidence: number };

/** `isIdentical`: whether any face is identical. `confidence`: the highest confidence of any face. */
export type VerifyAnswer = StoredResult & {
  kind: 'verify';
  person: string;
  isIdentical: boolean;
  confidence: number;
  faces: VerifiedFace[];
};

export type Verify = (
  group: Group,
  source: ProbeSource,
  person: string,
  as?: RecordAs,
) => Promise<VerifyAnswer>;

/**
 * Verifies whether a person is on a probe. Records the answer.
 * @throws RollcallError person_not_found (also when no face of the person is enrolled), no_face
 */
export function createVerify(options: IdentificationOptions): Verify {
  const { face, imageRecords, results, now } = options;

  async function compare({ group }: Group, probe: ProbeFace, personId: string): Promise<VerifiedFace> {
    try {
      const { isIdentical, confidence } = await face.verify(probe.faceId, group, personId);
      return { ...probe, isIdentical, confidence };
    } catch (error) {
      if (isFaceError(error, 404, 'FaceNotFound'))
        throw new RollcallError('face_id_expired', undefined, { cause: error });
      if (isFaceError(error, 404) || isFaceError(error, 400, 'PersonNotFound')) {
        throw new RollcallError('person_not_found', 'No face of the person is enrolled.', { cause: error });
      }
      throw error;
    }
  }

  return async (group, source, personName, as = { id: results.newId() }) => {
    const person = await imageRecords.person(group, personKeyOf(group.group, personName));
    if (person === undefined) throw new RollcallError('person_not_found');
    if (person.personId === undefined || person.faces === 0) {
      throw new RollcallError('person_not_found', 'No face of the person is enrolled.');
    }
    const {
      faces: probes,
      remembered,
      seenOn: _seenOn,
      truncated: _truncated,
      ...image
    } = await fetchProbe(options, group, source);
    await remembered;
    if (probes.length === 0) throw new RollcallError('no_face');
    const faces: VerifiedFace[] = [];
    for (const probe of probes.slice(0, comparedAtMost))
      faces.push(await compare(group, probe, person.personId));
    const answer: VerifyAnswer = {
      id: as.id,
      kind: 'verify',
      group: group.group,
      createdAt: new Date(now()).toISOString(),
      ...image,
      person: person.person,
      isIdentical: faces.some((compared) => compared.isIdentical),
      confidence: Math.max(...faces.map((compared) => compared.confidence)),
      faces,
    };
    await results.record(answer, [person.person], as);
    return answer;
  };
}

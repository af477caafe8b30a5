import type { z } from 'zod';
import type { Rollcall } from '../../app/rollcall.ts';
import { RollcallError, type FailureCode } from '../../errors/errors.ts';
import type { ProbeSource } from '../../identification/probe.ts';
import type { Group } from '../../records/groups.ts';
import type { RecordAs, StoredResult } from '../../records/results.ts';
import { once } from '../withIdempotency.ts';
import { readProbeSource } from '../probeSource.ts';
import { pageOf, pageQueryOf } from '../page.ts';
import { queryOf } from '../query.ts';
import type { ApiRequest, Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { loadGroup, parsePersonName } from './names.ts';

const probeFailures = [
  'bad_path',
  'not_an_image',
  'unsupported_format',
  'image_too_small',
  'image_too_large',
  'body_too_large',
  'unsupported_media_type',
  'url_refused',
  'image_not_found',
  'image_archived',
  'face_id_not_found',
  'face_id_expired',
  'group_not_found',
  'busy',
  'face_throttled',
  'quota_exceeded',
  'face_unavailable',
  'face_access_denied',
  'key_reused',
  'in_progress',
  'conflict',
  'storage_unavailable',
] as const satisfies readonly FailureCode[];

/** What the routes that take a probe do not have in common. */
type ProbeRow<Query> = Pick<Route, 'name' | 'path' | 'summary' | 'answer' | 'failures'> & {
  query: Query;
  body: { json: typeof schemas.identifyBody | typeof schemas.faceBody; pictures: true };
};

type AnswerProbe = (group: Group, source: ProbeSource, as: RecordAs) => Promise<StoredResult>;

/** A route that takes a probe and records its answer. `prepare` checks the query before the key of the request counts. */
function probeRoute<const Row extends ProbeRow<Query>, Query extends z.ZodObject>(
  row: Row & { query: Query },
  prepare: (query: z.output<Query>, rollcall: Rollcall) => AnswerProbe,
) {
  return {
    ...row,
    tag: 'answers',
    method: 'POST',
    access: 'identify',
    headers: {
      'Idempotency-Key': 'Answers the same request once: repeated with its key, it gets the same result',
    },
    async handle(request: ApiRequest, rollcall: Rollcall) {
      const query = queryOf(request, row.query);
      const group = await loadGroup(request, rollcall);
      const answer = prepare(query, rollcall);
      return {
        body: await once(request, rollcall, group, async (as) =>
          answer(group, await readProbeSource(request, row.body.json, rollcall.fetchImage), as),
        ),
      };
    },
  } as const;
}

/** Routes that identify, compare and cluster faces, and that list the recorded results. */
export const answerRoutes = [
  probeRoute(
    {
      name: 'identify',
      path: 'groups/{group}/identify',
      summary: 'Who is on this picture',
      query: schemas.identifyQuery,
      body: { json: schemas.identifyBody, pictures: true },
      answer: { status: 200, schema: schemas.identifyAnswer },
      failures: ['bad_request', ...probeFailures],
    },
    (query, { identify }) =>
      (group, source, as) =>
        identify(group, source, query, as),
  ),
  probeRoute(
    {
      name: 'findSimilar',
      path: 'groups/{group}/find-similar',
      summary: 'Where else the ten largest faces of a picture were seen',
      query: schemas.findSimilarQuery,
      body: { json: schemas.faceBody, pictures: true },
      answer: { status: 200, schema: schemas.findSimilarAnswer },
      failures: ['bad_request', ...probeFailures],
    },
    (query, { findSimilar }) =>
      (group, source, as) =>
        findSimilar(group, source, query, as),
  ),
  probeRoute(
    {
      name: 'verify',
      path: 'groups/{group}/verify',
      summary: 'Whether this person is one of the ten largest faces of the picture',
      query: schemas.verifyQuery,
      body: { json: schemas.faceBody, pictures: true },
      answer: { status: 200, schema: schemas.verifyAnswer },
      failures: ['bad_request', 'person_not_found', 'no_face', ...probeFailures],
    },
    (query, { verify }) => {
      const person = parsePersonName(query.person);
      return (group, source, as) => verify(group, source, person, as);
    },
  ),
  {
    name: 'cluster',
    tag: 'answers',
    method: 'POST',
    path: 'groups/{group}/cluster',
    summary: 'Which of the recent unknown faces belong together',
    access: 'identify',
    query: schemas.clusterQuery,
    answer: { status: 200, schema: schemas.clusterAnswer },
    failures: [
      'bad_request',
      'group_not_found',
      'busy',
      'face_throttled',
      'quota_exceeded',
      'face_unavailable',
      'face_access_denied',
      'conflict',
      'storage_unavailable',
    ],
    async handle(request, rollcall) {
      const query = queryOf(request, schemas.clusterQuery);
      return { body: await rollcall.cluster(await loadGroup(request, rollcall), query) };
    },
  },
  {
    name: 'listResults',
    tag: 'answers',
    method: 'GET',
    path: 'groups/{group}/results',
    summary: 'What identify, find-similar and verify answered, newest first',
    access: 'identify',
    query: schemas.resultQuery,
    answer: { status: 200, schema: schemas.pages.results },
    failures: ['bad_request', 'bad_path', 'group_not_found', 'storage_unavailable'],
    async handle(request, rollcall) {
      const { person, ...query } = pageQueryOf(request, schemas.resultQuery);
      const group = await loadGroup(request, rollcall);
      const filter = person === undefined ? query : { ...query, person: parsePersonName(person) };
      return { body: pageOf(request, await rollcall.readResults.list(group, filter), (result) => result) };
    },
  },
  {
    name: 'getResult',
    tag: 'answers',
    method: 'GET',
    path: 'groups/{group}/results/{id}',
    summary: 'One result',
    access: 'identify',
    answer: { status: 200, schema: schemas.result },
    failures: ['bad_request', 'group_not_found', 'result_not_found', 'storage_unavailable'],
    async handle(request, rollcall) {
      const group = await loadGroup(request, rollcall);
      const result = await rollcall.readResults.get(group, request.params['id'] ?? '');
      if (result === undefined) throw new RollcallError('result_not_found');
      return { body: result };
    },
  },
] as const satisfies readonly Route[];

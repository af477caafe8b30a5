import { RollcallError, type FailureCode } from '../../errors/errors.ts';
import { once } from '../withIdempotency.ts';
import { readProbeSource } from '../probeSource.ts';
import { pageOf, pageQueryOf } from '../page.ts';
import { queryOf } from '../query.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { groupOf, personNameOf } from './names.ts';

const pictureFailures = [
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

/** Routes that identify, compare and cluster faces, and that list the recorded results. */
export const answerRoutes = [
  {
    name: 'identify',
    tag: 'answers',
    method: 'POST',
    path: 'groups/{group}/identify',
    summary: 'Who is on this picture',
    access: 'identify',
    headers: {
      'Idempotency-Key': 'Answers the same request once: repeated with its key, it gets the same result',
    },
    query: schemas.identifyQuery,
    body: { json: schemas.identifyBody, pictures: true },
    answer: { status: 200, schema: schemas.identifyAnswer },
    failures: ['bad_request', ...pictureFailures],
    async handle(request, rollcall) {
      const query = queryOf(request, schemas.identifyQuery);
      const group = await groupOf(request, rollcall);
      const source = () => readProbeSource(request, schemas.identifyBody, rollcall.fetchImage);
      return {
        body: await once(request, rollcall, group, async (as) =>
          rollcall.identify(group, await source(), query, as),
        ),
      };
    },
  },
  {
    name: 'findSimilar',
    tag: 'answers',
    method: 'POST',
    path: 'groups/{group}/find-similar',
    summary: 'Where else the ten largest faces of a picture were seen',
    access: 'identify',
    headers: {
      'Idempotency-Key': 'Answers the same request once: repeated with its key, it gets the same result',
    },
    query: schemas.findSimilarQuery,
    body: { json: schemas.faceBody, pictures: true },
    answer: { status: 200, schema: schemas.findSimilarAnswer },
    failures: ['bad_request', ...pictureFailures],
    async handle(request, rollcall) {
      const query = queryOf(request, schemas.findSimilarQuery);
      const group = await groupOf(request, rollcall);
      const source = () => readProbeSource(request, schemas.faceBody, rollcall.fetchImage);
      return {
        body: await once(request, rollcall, group, async (as) =>
          rollcall.findSimilar(group, await source(), query, as),
        ),
      };
    },
  },
  {
    name: 'verify',
    tag: 'answers',
    method: 'POST',
    path: 'groups/{group}/verify',
    summary: 'Whether this person is one of the ten largest faces of the picture',
    access: 'identify',
    headers: {
      'Idempotency-Key': 'Answers the same request once: repeated with its key, it gets the same result',
    },
    query: schemas.verifyQuery,
    body: { json: schemas.faceBody, pictures: true },
    answer: { status: 200, schema: schemas.verifyAnswer },
    failures: ['bad_request', 'person_not_found', 'no_face', ...pictureFailures],
    async handle(request, rollcall) {
      const { person } = queryOf(request, schemas.verifyQuery);
      const group = await groupOf(request, rollcall);
      const source = () => readProbeSource(request, schemas.faceBody, rollcall.fetchImage);
      const name = personNameOf(person);
      return {
        body: await once(request, rollcall, group, async (as) =>
          rollcall.verify(group, await source(), name, as),
        ),
      };
    },
  },
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
      return { body: await rollcall.cluster(await groupOf(request, rollcall), query) };
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
      const group = await groupOf(request, rollcall);
      const filter = person === undefined ? query : { ...query, person: personNameOf(person) };
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
      const group = await groupOf(request, rollcall);
      const result = await rollcall.readResults.get(group, request.params['id'] ?? '');
      if (result === undefined) throw new RollcallError('result_not_found');
      return { body: result };
    },
  },
] as const satisfies readonly Route[];

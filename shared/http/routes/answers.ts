import { RollcallError, type FailureCode } from '../../errors.ts';
import { readProbeSource } from '../probeSource.ts';
import { parsed } from '../problem.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { groupOf, personNameOf } from './names.ts';

const pictureFailures = [
  'not_an_image',
  'unsupported_format',
  'image_too_small',
  'image_too_large',
  'unsupported_media_type',
  'url_refused',
  'image_not_found',
  'face_id_not_found',
  'face_id_expired',
  'group_not_found',
  'busy',
  'face_throttled',
  'quota_exceeded',
  'face_unavailable',
  'face_access_denied',
] as const satisfies readonly FailureCode[];

/** What is asked about faces, and what was answered. */
export const answerRoutes: readonly Route[] = [
  {
    name: 'identify',
    method: 'POST',
    path: 'groups/{group}/identify',
    summary: 'Who is on this picture',
    access: 'key',
    query: schemas.identifyQuery,
    body: { json: schemas.identifyBody, pictures: true },
    answer: { status: 200, schema: schemas.identifyAnswer },
    failures: ['bad_request', ...pictureFailures],
    async handle(request, rollcall) {
      const query = parsed(schemas.identifyQuery, request.query, 'query');
      const group = await groupOf(request, rollcall);
      const source = await readProbeSource(request, schemas.identifyBody, rollcall.fetchPicture);
      return { body: await rollcall.identify(group.group, source, query) };
    },
  },
  {
    name: 'findSimilar',
    method: 'POST',
    path: 'groups/{group}/find-similar',
    summary: 'Where else this face was seen',
    access: 'key',
    query: schemas.findSimilarQuery,
    body: { json: schemas.faceBody, pictures: true },
    answer: { status: 200, schema: schemas.findSimilarAnswer },
    failures: ['bad_request', ...pictureFailures],
    async handle(request, rollcall) {
      const query = parsed(schemas.findSimilarQuery, request.query, 'query');
      const group = await groupOf(request, rollcall);
      const source = await readProbeSource(request, schemas.faceBody, rollcall.fetchPicture);
      return { body: await rollcall.findSimilar(group.group, source, query) };
    },
  },
  {
    name: 'verify',
    method: 'POST',
    path: 'groups/{group}/verify',
    summary: 'Whether this person is on the picture',
    access: 'key',
    query: schemas.verifyQuery,
    body: { json: schemas.faceBody, pictures: true },
    answer: { status: 200, schema: schemas.verifyAnswer },
    failures: ['bad_request', 'person_not_found', 'no_face', ...pictureFailures],
    async handle(request, rollcall) {
      const { person } = parsed(schemas.verifyQuery, request.query, 'query');
      const group = await groupOf(request, rollcall);
      const source = await readProbeSource(request, schemas.faceBody, rollcall.fetchPicture);
      return { body: await rollcall.verify(group.group, source, personNameOf(person)) };
    },
  },
  {
    name: 'cluster',
    method: 'POST',
    path: 'groups/{group}/cluster',
    summary: 'Which of the recent unknown faces belong together',
    access: 'key',
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
    ],
    async handle(request, rollcall) {
      const query = parsed(schemas.clusterQuery, request.query, 'query');
      return { body: await rollcall.cluster(await groupOf(request, rollcall), query) };
    },
  },
  {
    name: 'listResults',
    method: 'GET',
    path: 'groups/{group}/results',
    summary: 'What identify, find-similar and verify answered, newest first',
    access: 'key',
    query: schemas.resultQuery,
    answer: { status: 200, schema: schemas.pages.results },
    failures: ['bad_request', 'group_not_found'],
    async handle(request, rollcall) {
      const { person, ...query } = parsed(schemas.resultQuery, request.query, 'query');
      const group = await groupOf(request, rollcall);
      const filter = person === undefined ? query : { ...query, person: personNameOf(person) };
      return { body: await rollcall.recall.list(group, filter) };
    },
  },
  {
    name: 'getResult',
    method: 'GET',
    path: 'groups/{group}/results/{id}',
    summary: 'One result',
    access: 'key',
    answer: { status: 200, schema: schemas.result },
    failures: ['bad_request', 'group_not_found', 'result_not_found'],
    async handle(request, rollcall) {
      const group = await groupOf(request, rollcall);
      const result = await rollcall.recall.get(group, request.params['id'] ?? '');
      if (result === undefined) throw new RollcallError('result_not_found');
      return { body: result };
    },
  },
];

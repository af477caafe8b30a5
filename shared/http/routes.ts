import { z } from 'zod';
import { RollcallError, type FailureCode } from '../errors.ts';
import { faultOfPersonName, isGroupName } from '../photos/path.ts';
import { personKeyOf } from '../records/keys.ts';
import { untrained } from '../training/machine.ts';
import type { Rollcall } from '../rollcall.ts';
import { openApi } from './openapi.ts';
import { parseJson, readProbeSource } from './probeSource.ts';
import { InvalidRequest, parsed } from './problem.ts';
import type { ApiRequest, Route } from './route.ts';
import * as schemas from './schemas.ts';
import { viewOfGroup, viewOfPage, viewOfPerson, viewOfPicture, viewOfSettings } from './views.ts';

const jsonBodyBytes = 64 * 1024;

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

/** The one table of routes: the Functions app registers it, the OpenAPI document describes it. */
export const routes: readonly Route[] = [
  {
    name: 'health',
    method: 'GET',
    path: 'health',
    summary: 'Whether every part answers',
    access: 'open',
    answer: { status: 200, schema: schemas.health },
    failures: [],
    async handle(_request, { health }) {
      const report = await health();
      return { status: report.status === 'ok' ? 200 : 503, body: report };
    },
  },
  {
    name: 'openApi',
    method: 'GET',
    path: 'openapi.json',
    summary: 'This document',
    access: 'open',
    answer: { status: 200, schema: z.object({ openapi: z.string() }) },
    failures: [],
    handle: async () => ({ body: openApi(routes) }),
  },
  {
    name: 'listGroups',
    method: 'GET',
    path: 'groups',
    summary: 'The groups, by name',
    access: 'key',
    query: z.object(schemas.pageQuery),
    answer: { status: 200, schema: schemas.pages.groups },
    failures: ['bad_request'],
    async handle(request, { groups }) {
      const query = parsed(z.object(schemas.pageQuery), request.query, 'query');
      return { body: viewOfPage(await groups.list(query), viewOfSettings) };
    },
  },
  {
    name: 'putGroup',
    method: 'PUT',
    path: 'groups/{group}',
    summary: 'Create a group, or change its settings',
    access: 'key',
    body: { json: schemas.groupBody },
    answer: { status: 200, schema: schemas.group },
    failures: ['bad_request', 'recognition_model_fixed'],
    async handle(request, rollcall) {
      const name = groupNameOf(request);
      const bytes = await request.body(jsonBodyBytes);
      const wanted = parsed(schemas.groupBody, bytes.length === 0 ? {} : parseJson(bytes), 'body');
      const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
      await rollcall.putGroup(name, given);
      return { body: await groupView(rollcall, name) };
    },
  },
  {
    name: 'getGroup',
    method: 'GET',
    path: 'groups/{group}',
    summary: 'A group: its settings, how many pictures are in which state, its training',
    access: 'key',
    answer: { status: 200, schema: schemas.group },
    failures: ['bad_request', 'group_not_found'],
    handle: async (request, rollcall) => ({ body: await groupView(rollcall, groupNameOf(request)) }),
  },
  {
    name: 'listPersons',
    method: 'GET',
    path: 'groups/{group}/persons',
    summary: 'The persons of a group',
    access: 'key',
    query: z.object(schemas.pageQuery),
    answer: { status: 200, schema: schemas.pages.persons },
    failures: ['bad_request', 'group_not_found'],
    async handle(request, rollcall) {
      const query = parsed(z.object(schemas.pageQuery), request.query, 'query');
      const name = await existing(rollcall, groupNameOf(request));
      return { body: viewOfPage(await rollcall.ledger.listPersons(name, query), viewOfPerson) };
    },
  },
  {
    name: 'getPerson',
    method: 'GET',
    path: 'groups/{group}/persons/{person}',
    summary: 'A person and how many of its pictures are in which state',
    access: 'key',
    answer: { status: 200, schema: schemas.person },
    failures: ['bad_request', 'group_not_found', 'person_not_found'],
    async handle(request, rollcall) {
      const name = await existing(rollcall, groupNameOf(request));
      const person = await rollcall.ledger.person(
        name,
        personKeyOf(name, personNameOf(request.params['person'])),
      );
      if (person === undefined) throw new RollcallError('person_not_found');
      return { body: viewOfPerson(person) };
    },
  },
  {
    name: 'listImages',
    method: 'GET',
    path: 'groups/{group}/images',
    summary: 'Every picture of a group: its state and, where it was refused, why',
    access: 'key',
    query: schemas.pictureQuery,
    answer: { status: 200, schema: schemas.pages.pictures },
    failures: ['bad_request', 'group_not_found'],
    async handle(request, rollcall) {
      const { person, ...query } = parsed(schemas.pictureQuery, request.query, 'query');
      const name = await existing(rollcall, groupNameOf(request));
      const key = person === undefined ? undefined : personKeyOf(name, personNameOf(person));
      return {
        body: viewOfPage(await rollcall.ledger.listPictures(name, { ...query, person: key }), viewOfPicture),
      };
    },
  },
  {
    name: 'listAllImages',
    method: 'GET',
    path: 'images',
    summary: 'Every picture of every group, and those whose path names no group',
    access: 'key',
    query: schemas.pictureQuery.omit({ person: true }),
    answer: { status: 200, schema: schemas.pages.pictures },
    failures: ['bad_request'],
    async handle(request, rollcall) {
      const query = parsed(schemas.pictureQuery.omit({ person: true }), request.query, 'query');
      return { body: viewOfPage(await rollcall.allPictures(query), viewOfPicture) };
    },
  },
  {
    name: 'redrive',
    method: 'POST',
    path: 'failures/redrive',
    summary: 'Send what failed round again, 500 pictures at a time',
    access: 'key',
    answer: { status: 202, schema: schemas.redriven },
    failures: [],
    handle: async (_request, rollcall) => ({ status: 202, body: await rollcall.redrive() }),
  },
  {
    name: 'train',
    method: 'POST',
    path: 'groups/{group}/train',
    summary: 'Train the group now',
    access: 'key',
    answer: { status: 202, schema: schemas.accepted },
    failures: ['bad_request', 'group_not_found'],
    async handle(request, rollcall) {
      const name = await existing(rollcall, groupNameOf(request));
      await rollcall.trainNow(name);
      return { status: 202, body: { group: name } };
    },
  },
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
      const name = await existing(rollcall, groupNameOf(request));
      const source = await readProbeSource(request, schemas.identifyBody, rollcall.fetchPicture);
      return { body: await rollcall.identify(name, source, query) };
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
      const name = await existing(rollcall, groupNameOf(request));
      const source = await readProbeSource(request, schemas.faceBody, rollcall.fetchPicture);
      return { body: await rollcall.findSimilar(name, source, query) };
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
      const name = await existing(rollcall, groupNameOf(request));
      const source = await readProbeSource(request, schemas.faceBody, rollcall.fetchPicture);
      return { body: await rollcall.verify(name, source, personNameOf(person)) };
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
      const name = await existing(rollcall, groupNameOf(request));
      const filter = person === undefined ? query : { ...query, person: personNameOf(person) };
      return { body: await rollcall.results.list(name, filter) };
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
      const name = await existing(rollcall, groupNameOf(request));
      const result = await rollcall.results.get(name, request.params['id'] ?? '');
      if (result === undefined) throw new RollcallError('result_not_found');
      return { body: result };
    },
  },
];

function groupNameOf(request: ApiRequest): string {
  const name = request.params['group'] ?? '';
  if (isGroupName(name)) return name;
  throw new InvalidRequest([
    { field: 'group', expected: '1 to 48 of a-z, 0-9, - and _, without two _ in a row' },
  ]);
}

function personNameOf(text = ''): string {
  const fault = faultOfPersonName(text);
  if (fault === undefined) return text.normalize('NFC');
  throw new InvalidRequest([{ field: 'person', expected: `a name; ${fault}` }]);
}

async function existing({ groups }: Rollcall, name: string): Promise<string> {
  if ((await groups.get(name)) === undefined) throw new RollcallError('group_not_found');
  return name;
}

async function groupView({ groups, ledger, trainings }: Rollcall, name: string) {
  const group = await groups.get(name);
  if (group === undefined) throw new RollcallError('group_not_found');
  const [counts, training] = await Promise.all([ledger.counts(name), trainings.get(name)]);
  return viewOfGroup(group, counts, training ?? untrained);
}

import { RollcallError } from '../../errors/errors.ts';
import { untrained } from '../../training/machine.ts';
import type { Erasure } from '../../records/erasure.ts';
import type { Group } from '../../records/groups.ts';
import type { Rollcall } from '../../app/rollcall.ts';
import { conditionOf, etagOf } from '../conditions.ts';
import { jsonOf } from '../body.ts';
import { pageOf, pageQueryOf } from '../page.ts';
import { parsed } from '../problem.ts';
import { queryOf } from '../query.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { toErasure, toGroup, toPerson, toGroupSettings } from '../toResponse.ts';
import { parseGroupName, loadGroup, loadPersonKey } from './names.ts';

/** Routes for groups and their people, for their erasure and for training. */
export const groupRoutes = [
  {
    name: 'listGroups',
    tag: 'groups',
    method: 'GET',
    path: 'groups',
    summary: 'List the groups, by name',
    access: 'any',
    query: schemas.pageOnly,
    answer: { status: 200, schema: schemas.pages.groups },
    failures: ['bad_request', 'storage_unavailable'],
    async handle(request, { groups }) {
      const query = pageQueryOf(request, schemas.pageOnly);
      return { body: pageOf(request, await groups.list(query), toGroupSettings) };
    },
  },
  {
    name: 'putGroup',
    tag: 'groups',
    method: 'PUT',
    path: 'groups/{group}',
    summary:
      'Create a group, or change its settings; the next resyncs check rejected images again that the new policy admits',
    access: 'admin',
    body: { json: schemas.groupBody },
    headers: {
      'If-Match': 'The ETag that the group must have',
      'If-None-Match': '*: only if there is no such group',
    },
    answer: { status: 200, schema: schemas.groupPut },
    failures: [
      'bad_request',
      'body_too_large',
      'unsupported_media_type',
      'recognition_model_fixed',
      'precondition_failed',
      'conflict',
      'storage_unavailable',
    ],
    async handle(request, rollcall) {
      const name = parseGroupName(request);
      const condition = conditionOf(request);
      const wanted = parsed(schemas.groupBody, (await jsonOf(request)) ?? {}, 'body');
      const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
      const { group, lookingAgain } = await rollcall.putGroup(name, given, condition);
      const { headers, body } = await groupAnswer(rollcall, group);
      return { headers, body: { ...body, ...(lookingAgain && { lookingAgain }) } };
    },
  },
  {
    name: 'getGroup',
    tag: 'groups',
    method: 'GET',
    path: 'groups/{group}',
    summary: 'Get a group: its settings, the number of its images in each state, its training',
    access: 'any',
    answer: { status: 200, schema: schemas.group },
    failures: ['bad_request', 'group_not_found', 'storage_unavailable'],
    handle: async (request, rollcall) => groupAnswer(rollcall, await loadGroup(request, rollcall)),
  },
  {
    name: 'deleteGroup',
    tag: 'groups',
    method: 'DELETE',
    path: 'groups/{group}',
    summary: 'Delete a group with its images, faces, records and results',
    access: 'admin',
    headers: { 'If-Match': 'The ETag that the group must have' },
    answer: { status: 202, schema: schemas.erasure },
    failures: [
      'bad_request',
      'group_not_found',
      'precondition_failed',
      'conflict',
      'storage_unavailable',
      'messaging_unavailable',
    ],
    async handle(request, rollcall) {
      const name = parseGroupName(request);
      return erasureAnswer(await rollcall.deleteGroup(name, conditionOf(request)));
    },
  },
  {
    name: 'listPersons',
    tag: 'groups',
    method: 'GET',
    path: 'groups/{group}/persons',
    summary: 'List the people of a group who have images, in a fixed order that is not alphabetical',
    access: 'any',
    query: schemas.pageOnly,
    answer: { status: 200, schema: schemas.pages.persons },
    failures: ['bad_request', 'group_not_found', 'storage_unavailable'],
    async handle(request, rollcall) {
      const query = pageQueryOf(request, schemas.pageOnly);
      const group = await loadGroup(request, rollcall);
      return { body: pageOf(request, await rollcall.imageRecords.listPersons(group, query), toPerson) };
    },
  },
  {
    name: 'getPerson',
    tag: 'groups',
    method: 'GET',
    path: 'groups/{group}/persons/{person}',
    summary: 'Get a person and the number of its images in each state',
    access: 'any',
    answer: { status: 200, schema: schemas.person },
    failures: ['bad_request', 'bad_path', 'group_not_found', 'person_not_found', 'storage_unavailable'],
    async handle(request, rollcall) {
      const group = await loadGroup(request, rollcall);
      const person = await rollcall.imageRecords.person(
        group,
        await loadPersonKey(group.group, request, rollcall),
      );
      if (person === undefined) throw new RollcallError('person_not_found');
      return { body: toPerson(person) };
    },
  },
  {
    name: 'deletePerson',
    tag: 'groups',
    method: 'DELETE',
    path: 'groups/{group}/persons/{person}',
    summary: 'Delete a person with its images, faces, records and results',
    access: 'admin',
    query: schemas.deletePersonQuery,
    answer: { status: 202, schema: schemas.erasure },
    failures: [
      'bad_request',
      'bad_path',
      'group_not_found',
      'person_not_found',
      'conflict',
      'storage_unavailable',
      'messaging_unavailable',
    ],
    async handle(request, rollcall) {
      const group = parseGroupName(request);
      const { probes } = queryOf(request, schemas.deletePersonQuery);
      const person = await loadPersonKey(group, request, rollcall);
      return erasureAnswer(await rollcall.deletePerson(group, person, probes === 'delete'));
    },
  },
  {
    name: 'getErasure',
    tag: 'groups',
    method: 'GET',
    path: 'erasures/{id}',
    summary: 'Get the progress of a deletion and, at its end, the proof: what was removed and what is kept',
    access: 'admin',
    answer: { status: 200, schema: schemas.erasure },
    failures: ['bad_request', 'erasure_not_found', 'storage_unavailable'],
    async handle(request, { erasures }) {
      const erasure = await erasures.get(request.params['id'] ?? '');
      if (erasure === undefined) throw new RollcallError('erasure_not_found');
      return { body: toErasure(erasure) };
    },
  },
  {
    name: 'train',
    tag: 'groups',
    method: 'POST',
    path: 'groups/{group}/train',
    summary: 'Train the group now',
    access: 'enroll',
    answer: { status: 202, schema: schemas.accepted },
    failures: ['bad_request', 'group_not_found', 'conflict', 'storage_unavailable', 'messaging_unavailable'],
    async handle(request, rollcall) {
      const { group } = await loadGroup(request, rollcall);
      await rollcall.trainNow(group);
      return { status: 202, body: { group } };
    },
  },
] as const satisfies readonly Route[];

async function groupAnswer({ imageRecords, trainings }: Rollcall, group: Group) {
  const [counts, training] = await Promise.all([
    imageRecords.counts(group.group),
    trainings.get(group.group),
  ]);
  return { headers: { etag: etagOf(group) }, body: toGroup(group, counts, training ?? untrained) };
}

function erasureAnswer(erasure: Erasure) {
  return { status: 202, headers: { location: `/api/erasures/${erasure.id}` }, body: toErasure(erasure) };
}

import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { recognitionModels } from './detect.ts';
import { faults } from './faults.ts';
import { paramsOf, queryOf, type FaceContext, type Operation } from './operations.ts';
import { analyze, onlyFace, parseJson, readPicture } from './pictures.ts';
import type { StoredGroup, StoredPerson, StoredTraining } from './store.ts';

const longestName = 128;
const longestUserData = 16_384;
const longestFaceUserData = 1_024;
const facesOfAPerson = 248;
const groupId = /^[a-z0-9-_]{1,64}$/;

function existingGroup({ store }: FaceContext, request: FastifyRequest): StoredGroup {
  const group = store.group(paramsOf(request).group);
  if (group === undefined) throw faults.groupNotFound(404);
  return group;
}

function existingPerson(context: FaceContext, request: FastifyRequest): StoredPerson {
  const group = existingGroup(context, request);
  const person = context.store.person(group.id, paramsOf(request).person);
  if (person === undefined) throw faults.personNotFound(paramsOf(request).person);
  return person;
}

type Named = { name: string | undefined; userData: string | undefined };

function readNamed(request: FastifyRequest): Named & { recognitionModel: unknown } {
  const { name, userData, recognitionModel } = parseJson(request.body);
  if (name !== undefined && name !== null && typeof name !== 'string') throw faults.body();
  if (userData !== undefined && userData !== null && typeof userData !== 'string') throw faults.body();
  if (typeof name === 'string' && name.length > longestName) throw faults.badArgument("'name' is too long.");
  if (typeof userData === 'string' && Buffer.byteLength(userData) > longestUserData) {
    throw faults.badArgument("'userData' is too long.");
  }
  return { name: name ?? undefined, userData: userData ?? undefined, recognitionModel };
}

function requiredName({ name }: Named): string {
  if (name === undefined || name === '') throw faults.badArgument("'name' is empty.");
  return name;
}

/** Absent properties stay; both absent is an error. */
function patched(
  before: { name: string; userData: string | null },
  { name, userData }: Named,
): [string, string | null] {
  if (name === undefined && userData === undefined) {
    throw faults.badArgument("Both 'name' and 'userData' are empty.");
  }
  return [name ?? before.name, userData ?? before.userData];
}

function page(request: FastifyRequest): [start: string, top: number] {
  const { start = '', top: text = '1000' } = queryOf(request);
  if (start.length > 64) throw faults.badArgument("'start' is too long.");
  const top = Number(text);
  if (!Number.isInteger(top) || top < 1 || top > 1_000) throw faults.badArgument("'top' is invalid.");
  return [start, top];
}

function withoutNull<Value extends object>(value: Value): Partial<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null)) as Partial<Value>;
}

function viewOfGroup({ id, name, userData, recognitionModel }: StoredGroup, request: FastifyRequest): object {
  const withModel = queryOf(request)['returnRecognitionModel'] === 'true';
  return withoutNull({
    largePersonGroupId: id,
    name,
    userData,
    recognitionModel: withModel ? recognitionModel : null,
  });
}

function viewOfPerson({ store }: FaceContext, group: string, { id, name, userData }: StoredPerson): object {
  const persistedFaceIds = store.facesOfPerson(group, id).map((face) => face.id);
  return withoutNull({ personId: id, name, userData, persistedFaceIds });
}

function viewOfTraining({ status, createdAt, lastActionAt, lastSuccessAt, message }: StoredTraining): object {
  const iso = (time: number) => new Date(time).toISOString().replace('Z', '0000Z');
  return withoutNull({
    status,
    createdDateTime: iso(createdAt),
    lastActionDateTime: iso(lastActionAt),
    lastSuccessfulTrainingDateTime: lastSuccessAt === null ? null : iso(lastSuccessAt),
    message,
  });
}

function faceUserData(text: string | undefined): string | null {
  if (text !== undefined && Buffer.byteLength(text) > longestFaceUserData) {
    throw faults.badArgument("'userData' is too long.");
  }
  return text ?? null;
}

const group = '/largepersongroups/:group';
const person = `${group}/persons/:person`;
const face = `${person}/persistedfaces/:face`;

/** Large person groups, their persons and faces, and their training. */
export const collectionOperations: Operation[] = [
  {
    name: 'createGroup',
    method: 'PUT',
    path: group,
    handle({ store }, request) {
      const id = paramsOf(request).group;
      if (!groupId.test(id)) throw faults.badArgument('Large person group ID is invalid.');
      const named = readNamed(request);
      const { recognitionModel = 'recognition_01' } = named;
      if (typeof recognitionModel !== 'string' || !recognitionModels.includes(recognitionModel)) {
        throw faults.badArgument("'recognitionModel' is invalid.");
      }
      const name = requiredName(named);
      if (store.group(id) !== undefined) throw faults.groupExists(id);
      store.addGroup(id, name, named.userData ?? null, recognitionModel);
    },
  },
  {
    name: 'getGroup',
    method: 'GET',
    path: group,
    handle: (context, request) => viewOfGroup(existingGroup(context, request), request),
  },
  {
    name: 'updateGroup',
    method: 'PATCH',
    path: group,
    handle(context, request) {
      const before = existingGroup(context, request);
      context.store.updateGroup(...patched(before, readNamed(request)), before.id);
    },
  },
  {
    name: 'deleteGroup',
    method: 'DELETE',
    path: group,
    handle(context, request) {
      const { id } = existingGroup(context, request);
      context.store.deleteGroup(id);
      context.gallery.forget(id);
    },
  },
  {
    name: 'listGroups',
    method: 'GET',
    path: '/largepersongroups',
    handle: ({ store }, request) =>
      store.groups(...page(request)).map((found) => viewOfGroup(found, request)),
  },
  {
    name: 'train',
    method: 'POST',
    path: `${group}/train`,
    handle(context, request, reply) {
      const { id } = existingGroup(context, request);
      context.trainings.start(id);
      const location = `${request.protocol}://${request.host}${request.url.replace(/\/train.*$/, '/training')}`;
      reply.code(202).header('operation-location', location);
      reply.header('access-control-expose-headers', 'Operation-Location');
    },
  },
  {
    name: 'trainingStatus',
    method: 'GET',
    path: `${group}/training`,
    handle(context, request) {
      const training = context.store.training(existingGroup(context, request).id);
      if (training === undefined) throw faults.notTrained(404);
      return viewOfTraining(training);
    },
  },
  {
    name: 'createPerson',
    method: 'POST',
    path: `${group}/persons`,
    handle(context, request) {
      const { id } = existingGroup(context, request);
      const named = readNamed(request);
      const personId = randomUUID();
      context.store.addPerson(id, personId, requiredName(named), named.userData ?? null);
      return { personId };
    },
  },
  {
    name: 'listPersons',
    method: 'GET',
    path: `${group}/persons`,
    handle(context, request) {
      const { id } = existingGroup(context, request);
      return context.store.persons(id, ...page(request)).map((found) => viewOfPerson(context, id, found));
    },
  },
  {
    name: 'getPerson',
    method: 'GET',
    path: person,
    handle: (context, request) =>
      viewOfPerson(context, paramsOf(request).group, existingPerson(context, request)),
  },
  {
    name: 'updatePerson',
    method: 'PATCH',
    path: person,
    handle(context, request) {
      const before = existingPerson(context, request);
      context.store.updatePerson(...patched(before, readNamed(request)), paramsOf(request).group, before.id);
    },
  },
  {
    name: 'deletePerson',
    method: 'DELETE',
    path: person,
    handle(context, request) {
      const { id } = existingPerson(context, request);
      context.store.deletePerson(paramsOf(request).group, id);
      context.gallery.forget(paramsOf(request).group);
    },
  },
  {
    name: 'addFace',
    method: 'POST',
    path: `${person}/persistedfaces`,
    async handle(context, request) {
      const params = paramsOf(request);
      const { targetFace, userData } = queryOf(request);
      existingPerson(context, request);
      const kept = faceUserData(userData);
      const bytes = await readPicture(request);
      return context.inTurn(`${params.group}/${params.person}`, async () => {
        const found = onlyFace(await analyze(context.vision, bytes), targetFace);
        // Deleted while the picture was looked at.
        const { id } = existingPerson(context, request);
        if (context.store.facesOfPerson(params.group, id).length >= facesOfAPerson) {
          throw faults.quota('Persisted face number reached limit.');
        }
        const persistedFaceId = randomUUID();
        context.store.addFace(params.group, id, persistedFaceId, kept, found.embedding);
        return { persistedFaceId };
      });
    },
  },
  {
    name: 'getFace',
    method: 'GET',
    path: face,
    handle(context, request) {
      const { id, userData } = existingFace(context, request);
      return withoutNull({ persistedFaceId: id, userData });
    },
  },
  {
    name: 'updateFace',
    method: 'PATCH',
    path: face,
    handle(context, request) {
      const { id } = existingFace(context, request);
      const { userData } = parseJson(request.body);
      if (typeof userData !== 'string') throw faults.body();
      const params = paramsOf(request);
      context.store.updateFace(faceUserData(userData), params.group, params.person, id);
    },
  },
  {
    name: 'deleteFace',
    method: 'DELETE',
    path: face,
    handle(context, request) {
      const { id } = existingFace(context, request);
      const params = paramsOf(request);
      context.store.deleteFace(params.group, params.person, id);
      context.gallery.forget(params.group);
    },
  },
];

function existingFace(context: FaceContext, request: FastifyRequest) {
  existingPerson(context, request);
  const params = paramsOf(request);
  const found = context.store.face(params.group, params.person, params.face);
  if (found === undefined) throw faults.persistedFaceNotFound(params.face);
  return found;
}

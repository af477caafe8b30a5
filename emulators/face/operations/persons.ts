import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { changeableCollectionOf, collectionOf } from './collections.ts';
import { faults } from '../faults.ts';
import type { Kind } from './kinds.ts';
import type { FaceContext, Operation } from './operations.ts';
import {
  patched,
  readJson,
  readNamed,
  readPage,
  readUuid,
  requiredName,
  withoutNull,
} from '../http/requests.ts';
import type { StoredCollection, StoredPerson } from '../storage/store.ts';

/** The most that the service takes of a person, on any plan. */
export const facesOfAPerson = 248;

/** The person of a collection that a path names. @throws FaceFault 404 */
export function personOf(
  { store }: FaceContext,
  collection: StoredCollection,
  request: FastifyRequest,
): StoredPerson {
  const id = readUuid((request.params as { person: string }).person);
  if (id === undefined) throw faults.personId();
  const found = store.person(collection.key, id);
  if (found === undefined) throw faults.personNotFound(id);
  return found;
}

/** Whose turn it is: changes of one person, or of one face list, are carried out one after another. */
export function turnOf(collection: StoredCollection, personId: string | null): string {
  return `${collection.key}/${personId ?? ''}`;
}

function viewOf({ store }: FaceContext, { key }: StoredCollection, { id, name, userData }: StoredPerson) {
  const persistedFaceIds = store.faces(key, id, '', facesOfAPerson).map((face) => face.id);
  return withoutNull({ personId: id, name, userData, persistedFaceIds });
}

function refuseTooMany(kind: Kind, { store, plan }: FaceContext, collection: StoredCollection): void {
  const limits = kind.limits[plan];
  if (collection.persons >= limits.each) throw kind.faults.tooManyPersons();
  if (store.totals(kind.path).persons >= limits.inAll) throw kind.faults.tooManyPersonsInAll();
}

/** The persons of a kind of group. */
export function personOperations(kind: Kind): Operation[] {
  const all = `/${kind.path}/:collection/persons`;
  const path = `${all}/:person`;
  return [
    {
      name: 'createPerson',
      method: 'POST',
      path: all,
      handle(context, request) {
        const collection = changeableCollectionOf(kind, context, request);
        const named = readNamed(readJson(request));
        const name = requiredName(named);
        refuseTooMany(kind, context, collection);
        const personId = randomUUID();
        context.store.addPerson(collection.key, personId, name, named.userData ?? null);
        return { personId };
      },
    },
    {
      name: 'listPersons',
      method: 'GET',
      path: all,
      handle(context, request) {
        const collection = collectionOf(kind, context, request);
        const persons = context.store.persons(collection.key, ...readPage(request));
        return persons.map((person) => viewOf(context, collection, person));
      },
    },
    {
      name: 'getPerson',
      method: 'GET',
      path,
      handle(context, request) {
        const collection = collectionOf(kind, context, request);
        return viewOf(context, collection, personOf(context, collection, request));
      },
    },
    {
      name: 'updatePerson',
      method: 'PATCH',
      path,
      handle(context, request) {
        const collection = changeableCollectionOf(kind, context, request);
        const before = personOf(context, collection, request);
        const [name, userData] = patched(before, readNamed(readJson(request)));
        context.store.updatePerson(name, userData, collection.key, before.id);
      },
    },
    {
      name: 'deletePerson',
      method: 'DELETE',
      path,
      handle(context, request) {
        const collection = changeableCollectionOf(kind, context, request);
        const person = personOf(context, collection, request);
        // From here on nobody answers with this person: the real service may do so until the next training.
        return context.inTurn(turnOf(collection, person.id), Promise.resolve(), () => {
          const { id } = personOf(context, collection, request);
          context.store.deletePerson(collection.key, id);
          context.gallery.forgetPerson(collection.key, id);
        });
      },
    },
  ];
}

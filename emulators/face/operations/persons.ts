import { randomUUID } from 'node:crypto';
import { faults } from '../contract/faults.ts';
import type { StoredCollection, StoredPerson } from '../storage/store.ts';
import { loadChangeableCollection, loadCollection } from './collections.ts';
import type { Kind } from './kinds.ts';
import type { Call } from './call.ts';
import type { FaceContext, Operation } from './operation.ts';
import { mergePatch, omitNull, readNamed, readPage, readUuid, requireName } from './parameters.ts';

/** Azure's limit on every plan. */
export const maxFacesPerPerson = 248;

/** The person in the path. @throws FaceFault 404 */
export function loadPerson(
  { store }: FaceContext,
  collection: StoredCollection,
  { params }: Call,
): StoredPerson {
  const id = readUuid(params.person);
  if (id === undefined) throw faults.personId();
  const person = store.person(collection.key, id);
  if (person === undefined) throw faults.personNotFound(id);
  return person;
}

/** The key by which changes run in order: one per person, or per face list. */
export function toOrderKey(collection: StoredCollection, personId: string | null): string {
  return `${collection.key}/${personId ?? ''}`;
}

function toResponse({ store }: FaceContext, { key }: StoredCollection, { id, name, userData }: StoredPerson) {
  const persistedFaceIds = store.faces(key, id, '', maxFacesPerPerson).map((face) => face.id);
  return omitNull({ personId: id, name, userData, persistedFaceIds });
}

function refuseTooMany(kind: Kind, { store, plan }: FaceContext, collection: StoredCollection): void {
  const limits = kind.limits[plan];
  if (collection.persons >= limits.each) throw kind.faults.tooManyPersons();
  if (store.totals(kind.path).persons >= limits.inAll) throw kind.faults.tooManyPersonsInAll();
}

function createPerson(kind: Kind, path: string): Operation {
  return {
    name: 'createPerson',
    method: 'POST',
    path,
    handle(context, call) {
      const collection = loadChangeableCollection(kind, context, call);
      const named = readNamed(call.json());
      const name = requireName(named);
      refuseTooMany(kind, context, collection);
      const personId = randomUUID();
      context.store.addPerson(collection.key, personId, name, named.userData ?? null);
      return { personId };
    },
  };
}

function listPersons(kind: Kind, path: string): Operation {
  return {
    name: 'listPersons',
    method: 'GET',
    path,
    handle(context, call) {
      const collection = loadCollection(kind, context, call);
      const persons = context.store.persons(collection.key, ...readPage(call));
      return persons.map((person) => toResponse(context, collection, person));
    },
  };
}

function getPerson(kind: Kind, path: string): Operation {
  return {
    name: 'getPerson',
    method: 'GET',
    path,
    handle(context, call) {
      const collection = loadCollection(kind, context, call);
      return toResponse(context, collection, loadPerson(context, collection, call));
    },
  };
}

function updatePerson(kind: Kind, path: string): Operation {
  return {
    name: 'updatePerson',
    method: 'PATCH',
    path,
    handle(context, call) {
      const collection = loadChangeableCollection(kind, context, call);
      const before = loadPerson(context, collection, call);
      const [name, userData] = mergePatch(before, readNamed(call.json()));
      context.store.updatePerson(name, userData, collection.key, before.id);
    },
  };
}

function deletePerson(kind: Kind, path: string): Operation {
  return {
    name: 'deletePerson',
    method: 'DELETE',
    path,
    handle(context, call) {
      const collection = loadChangeableCollection(kind, context, call);
      const person = loadPerson(context, collection, call);
      // No answer contains the person from now on. In Azure's answers it may remain until the next training.
      return context.runInOrder(toOrderKey(collection, person.id), Promise.resolve(), () => {
        const { id } = loadPerson(context, collection, call);
        context.store.deletePerson(collection.key, id);
        context.gallery.forgetPerson(collection.key, id);
      });
    },
  };
}

/** The operations on the persons of a kind of group. */
export function personOperations(kind: Kind): Operation[] {
  const all = `/${kind.path}/:collection/persons`;
  const path = `${all}/:person`;
  return [
    createPerson(kind, all),
    listPersons(kind, all),
    getPerson(kind, path),
    updatePerson(kind, path),
    deletePerson(kind, path),
  ];
}

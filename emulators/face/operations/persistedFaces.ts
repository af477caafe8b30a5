import { randomUUID } from 'node:crypto';
import { faults } from '../contract/faults.ts';
import { requireEmbedding, type AnalyzedFace } from '../contract/vision.ts';
import type { StoredFace } from '../storage/faces.ts';
import type { StoredCollection } from '../storage/store.ts';
import { loadChangeableCollection, loadCollection } from './collections.ts';
import { readImage } from './image.ts';
import type { Kind } from './kinds.ts';
import { readDetectionModel } from './modelNames.ts';
import type { Call } from './call.ts';
import type { FaceContext, Operation } from './operation.ts';
import { omitNull, readFaceUserData, readPage, readUuid } from './parameters.ts';
import { loadPerson, maxFacesPerPerson, toOrderKey } from './persons.ts';
import { readTarget, selectFace } from './targetFace.ts';

/** The owner of faces: a person of a group, or a list itself. */
type Owner = { collection: StoredCollection; personId: string | null };

function loadOwner(kind: Kind, context: FaceContext, call: Call, use: 'read' | 'change'): Owner {
  const load = use === 'read' ? loadCollection : loadChangeableCollection;
  const collection = load(kind, context, call);
  const personId = kind.holds === 'persons' ? loadPerson(context, collection, call).id : null;
  return { collection, personId };
}

function loadFace({ store }: FaceContext, { collection, personId }: Owner, { params }: Call): StoredFace {
  const id = readUuid(params.face);
  if (id === undefined) throw faults.persistedFaceId();
  const face = store.face(collection.key, personId, id);
  if (face === undefined) throw faults.persistedFaceNotFound(id);
  return face;
}

function toResponse({ id, userData }: StoredFace): object {
  return omitNull({ persistedFaceId: id, userData });
}

function refuseTooMany(kind: Kind, { store, plan }: FaceContext, { collection, personId }: Owner): void {
  const isFull =
    personId === null
      ? collection.faces >= kind.limits[plan].each
      : store.faces(collection.key, personId, '', maxFacesPerPerson).length >= maxFacesPerPerson;
  if (isFull) throw faults.quota('Persisted face number reached limit.');
}

/** The face to add, with its vector of the collection's recognition model. @throws FaceFault unless it is one face */
async function analyzeFace(
  context: FaceContext,
  { recognitionModel }: StoredCollection,
  call: Call,
): Promise<AnalyzedFace> {
  const detectionModel = readDetectionModel(call.query['detectionModel']);
  const target = readTarget(call.query['targetFace']);
  const image = await readImage(call, context);
  const wanted = { detectionModel, recognitionModel, landmarks: false, attributes: [] };
  return selectFace(await context.analyze(image, wanted), target);
}

function addFace(kind: Kind, path: string): Operation {
  return {
    name: 'addFace',
    method: 'POST',
    path,
    takesImage: true,
    handle(context, call) {
      const { collection, personId } = loadOwner(kind, context, call, 'change');
      const userData = readFaceUserData(call.query['userData']) ?? null;
      const analyzed = analyzeFace(context, collection, call);
      return context.runInOrder(toOrderKey(collection, personId), analyzed, (face) => {
        // During the analysis the owner may have been deleted, and created again under the same ID.
        const owner = loadOwner(kind, context, call, 'read');
        if (owner.collection.key !== collection.key) throw kind.faults.notFound(404);
        refuseTooMany(kind, context, owner);
        const id = randomUUID();
        context.store.addFace(collection.key, personId, { id, userData, vector: requireEmbedding(face) });
        return { persistedFaceId: id };
      });
    },
  };
}

function getFace(kind: Kind, path: string): Operation {
  return {
    name: 'getFace',
    method: 'GET',
    path,
    handle: (context, call) => toResponse(loadFace(context, loadOwner(kind, context, call, 'read'), call)),
  };
}

function updateFace(kind: Kind, path: string): Operation {
  return {
    name: 'updateFace',
    method: 'PATCH',
    path,
    handle(context, call) {
      const owner = loadOwner(kind, context, call, 'change');
      const before = loadFace(context, owner, call);
      const userData = readFaceUserData(call.json()['userData']) ?? before.userData;
      context.store.updateFace(userData, owner.collection.key, owner.personId, before.id);
    },
  };
}

function deleteFace(kind: Kind, path: string): Operation {
  return {
    name: 'deleteFace',
    method: 'DELETE',
    path,
    handle(context, call) {
      const owner = loadOwner(kind, context, call, 'change');
      const { collection, personId } = owner;
      return context.runInOrder(toOrderKey(collection, personId), Promise.resolve(), () => {
        const { id } = loadFace(context, owner, call);
        context.store.deleteFace(collection.key, personId, id);
        context.gallery.forgetFace(collection.key, id);
      });
    },
  };
}

function listFaces(kind: Kind, path: string): Operation {
  return {
    name: 'listFaces',
    method: 'GET',
    path,
    handle(context, call) {
      const { collection, personId } = loadOwner(kind, context, call, 'read');
      return context.store.faces(collection.key, personId, ...readPage(call)).map(toResponse);
    },
  };
}

/**
 * The operations on the faces of persons of a kind of group, or of a kind of list. The response of a person lists its
 * faces, as the response of a list without training does.
 */
export function persistedFaceOperations(kind: Kind): Operation[] {
  const owner = kind.holds === 'persons' ? ':collection/persons/:person' : ':collection';
  const all = `/${kind.path}/${owner}/persistedfaces`;
  const path = `${all}/:face`;
  return [
    addFace(kind, all),
    ...(kind.trained ? [getFace(kind, path), updateFace(kind, path)] : []),
    deleteFace(kind, path),
    ...(kind.trained && kind.holds === 'faces' ? [listFaces(kind, all)] : []),
  ];
}

import type { StoredCollection } from '../storage/store.ts';
import { isCollectionId, type Kind } from './kinds.ts';
import { readRecognitionModel } from './modelNames.ts';
import type { Call } from './call.ts';
import type { FaceContext, Operation } from './operation.ts';
import { mergePatch, omitNull, readFlag, readNamed, readPage, requireName } from './parameters.ts';

/** The collection in the path. @throws FaceFault 404 */
export function loadCollection(kind: Kind, { store }: FaceContext, { params }: Call): StoredCollection {
  if (!isCollectionId(params.collection)) throw kind.faults.invalidIdInPath();
  const collection = store.collection(kind.path, params.collection);
  if (collection === undefined) throw kind.faults.notFound(404);
  return collection;
}

/** The collection in the path, for a change of it or its content. @throws FaceFault 404, or 409 during a training */
export function loadChangeableCollection(kind: Kind, context: FaceContext, call: Call): StoredCollection {
  const collection = loadCollection(kind, context, call);
  if (kind.closedWhileTraining && context.trainings.isRunning(collection.key)) {
    throw kind.faults.underTraining();
  }
  return collection;
}

function toResponse(
  kind: Kind,
  { id, name, userData, recognitionModel }: StoredCollection,
  withModel: boolean,
): object {
  return {
    [kind.idProperty]: id,
    ...omitNull({ name, userData, recognitionModel: withModel ? recognitionModel : null }),
  };
}

function readWithModel({ query }: Call): boolean {
  return readFlag(query, 'returnRecognitionModel', false);
}

/** The faces of a list without training, which are part of its response. */
function loadListedFaces(kind: Kind, { store }: FaceContext, { key }: StoredCollection): object {
  if (kind.trained) return {};
  const faces = store.faces(key, null, '', kind.limits.S0.each);
  return { persistedFaces: faces.map(({ id, userData }) => omitNull({ persistedFaceId: id, userData })) };
}

function createCollection(kind: Kind, path: string): Operation {
  return {
    name: `create${kind.noun}`,
    method: 'PUT',
    path,
    handle({ store, plan }, { params: { collection: id }, json }) {
      if (!isCollectionId(id)) throw kind.faults.invalidId();
      const body = json();
      const recognitionModel = readRecognitionModel(body['recognitionModel']);
      const named = readNamed(body);
      const name = requireName(named);
      if (store.collection(kind.path, id) !== undefined) throw kind.faults.exists();
      if (store.totals(kind.path).collections >= kind.limits[plan].collections) throw kind.faults.tooMany();
      store.addCollection(kind.path, id, name, named.userData ?? null, recognitionModel);
    },
  };
}

function getCollection(kind: Kind, path: string): Operation {
  return {
    name: `get${kind.noun}`,
    method: 'GET',
    path,
    handle(context, call) {
      const collection = loadCollection(kind, context, call);
      const response = toResponse(kind, collection, readWithModel(call));
      return { ...response, ...loadListedFaces(kind, context, collection) };
    },
  };
}

function updateCollection(kind: Kind, path: string): Operation {
  return {
    name: `update${kind.noun}`,
    method: 'PATCH',
    path,
    handle(context, call) {
      const before = loadChangeableCollection(kind, context, call);
      context.store.updateCollection(...mergePatch(before, readNamed(call.json())), before.key);
    },
  };
}

function deleteCollection(kind: Kind, path: string): Operation {
  return {
    name: `delete${kind.noun}`,
    method: 'DELETE',
    path,
    handle(context, call) {
      const { key } = loadChangeableCollection(kind, context, call);
      context.store.deleteCollection(key);
      context.gallery.forget(key);
    },
  };
}

function listCollections(kind: Kind, path: string): Operation {
  return {
    name: `list${kind.noun}s`,
    method: 'GET',
    path,
    handle({ store }, call) {
      const withModel = readWithModel(call);
      // Face lists without training have no pages in the Face API, since there are at most 64.
      const page: [string, number] = kind.trained ? readPage(call) : ['', kind.limits.S0.collections];
      return store
        .collections(kind.path, ...page)
        .map((collection) => toResponse(kind, collection, withModel));
    },
  };
}

/** The operations on collections of a kind. */
export function collectionOperations(kind: Kind): Operation[] {
  const all = `/${kind.path}`;
  const path = `${all}/:collection`;
  return [
    createCollection(kind, path),
    getCollection(kind, path),
    updateCollection(kind, path),
    deleteCollection(kind, path),
    listCollections(kind, all),
  ];
}

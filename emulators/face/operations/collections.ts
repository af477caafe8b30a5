import type { FastifyRequest } from 'fastify';
import { isCollectionId, type Kind } from './kinds.ts';
import { readRecognitionModel } from './modelNames.ts';
import type { FaceContext, Operation } from './operations.ts';
import {
  flag,
  patched,
  queryOf,
  readJson,
  readNamed,
  readPage,
  requiredName,
  withoutNull,
} from '../http/requests.ts';
import type { StoredCollection } from '../storage/store.ts';

/** The collection that a path names. @throws FaceFault 404 */
export function collectionOf(kind: Kind, { store }: FaceContext, request: FastifyRequest): StoredCollection {
  const { collection: id } = request.params as { collection: string };
  if (!isCollectionId(id)) throw kind.faults.invalidIdInPath();
  const found = store.collection(kind.path, id);
  if (found === undefined) throw kind.faults.notFound(404);
  return found;
}

/** The same, for a change of it or of what it holds. @throws FaceFault 404, or 409 while it trains */
export function changeableCollectionOf(
  kind: Kind,
  context: FaceContext,
  request: FastifyRequest,
): StoredCollection {
  const found = collectionOf(kind, context, request);
  if (kind.closedWhileTraining && context.trainings.isRunning(found.key)) throw kind.faults.underTraining();
  return found;
}

function viewOf(kind: Kind, { id, name, userData, recognitionModel }: StoredCollection, withModel: boolean) {
  return {
    [kind.idProperty]: id,
    ...withoutNull({ name, userData, recognitionModel: withModel ? recognitionModel : null }),
  };
}

function wantsModel(request: FastifyRequest): boolean {
  return flag(queryOf(request), 'returnRecognitionModel', false);
}

/** A list that needs no training is read with its faces. */
function facesIn(kind: Kind, { store }: FaceContext, { key }: StoredCollection): object {
  if (kind.trained) return {};
  const faces = store.faces(key, null, '', kind.limits.S0.each);
  return { persistedFaces: faces.map(({ id, userData }) => withoutNull({ persistedFaceId: id, userData })) };
}

/** Those that need no training are few, and listed without pages. */
function pageOf(kind: Kind, request: FastifyRequest): [start: string, top: number] {
  return kind.trained ? readPage(request) : ['', kind.limits.S0.collections];
}

/** A kind of collection itself: create, read, change, delete, list. */
export function collectionOperations(kind: Kind): Operation[] {
  const path = `/${kind.path}/:collection`;
  return [
    {
      name: `create${kind.noun}`,
      method: 'PUT',
      path,
      handle({ store, plan }, request) {
        const { collection: id } = request.params as { collection: string };
        if (!isCollectionId(id)) throw kind.faults.invalidId();
        const body = readJson(request);
        const recognitionModel = readRecognitionModel(body['recognitionModel']);
        const named = readNamed(body);
        const name = requiredName(named);
        if (store.collection(kind.path, id) !== undefined) throw kind.faults.exists();
        if (store.totals(kind.path).collections >= kind.limits[plan].collections) throw kind.faults.tooMany();
        store.addCollection(kind.path, id, name, named.userData ?? null, recognitionModel);
      },
    },
    {
      name: `get${kind.noun}`,
      method: 'GET',
      path,
      handle(context, request) {
        const found = collectionOf(kind, context, request);
        return { ...viewOf(kind, found, wantsModel(request)), ...facesIn(kind, context, found) };
      },
    },
    {
      name: `update${kind.noun}`,
      method: 'PATCH',
      path,
      handle(context, request) {
        const before = changeableCollectionOf(kind, context, request);
        context.store.updateCollection(...patched(before, readNamed(readJson(request))), before.key);
      },
    },
    {
      name: `delete${kind.noun}`,
      method: 'DELETE',
      path,
      handle(context, request) {
        const { key } = changeableCollectionOf(kind, context, request);
        context.store.deleteCollection(key);
        context.gallery.forget(key);
      },
    },
    {
      name: `list${kind.noun}s`,
      method: 'GET',
      path: `/${kind.path}`,
      handle({ store }, request) {
        const withModel = wantsModel(request);
        return store
          .collections(kind.path, ...pageOf(kind, request))
          .map((found) => viewOf(kind, found, withModel));
      },
    },
  ];
}

import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { changeableCollectionOf, collectionOf } from './collections.ts';
import { faults } from '../faults.ts';
import type { Kind } from './kinds.ts';
import { readDetectionModel } from './modelNames.ts';
import type { FaceContext, Operation } from './operations.ts';
import { facesOfAPerson, personOf, turnOf } from './persons.ts';
import { readPicture } from './pictures.ts';
import { queryOf, readFaceUserData, readJson, readPage, readUuid, withoutNull } from '../http/requests.ts';
import type { StoredCollection, StoredFace } from '../storage/store.ts';
import { onlyFace, readTarget } from './targetFace.ts';
import { embeddingOf, type AnalyzedFace } from '../vision.ts';

/** What holds faces: a person of a group, or a list itself. */
type Owner = { collection: StoredCollection; personId: string | null };

function ownerOf(kind: Kind, context: FaceContext, request: FastifyRequest, use: 'read' | 'change'): Owner {
  const find = use === 'read' ? collectionOf : changeableCollectionOf;
  const collection = find(kind, context, request);
  const personId = kind.holds === 'persons' ? personOf(context, collection, request).id : null;
  return { collection, personId };
}

function faceOf(
  { store }: FaceContext,
  { collection, personId }: Owner,
  request: FastifyRequest,
): StoredFace {
  const id = readUuid((request.params as { face: string }).face);
  if (id === undefined) throw faults.persistedFaceId();
  const found = store.face(collection.key, personId, id);
  if (found === undefined) throw faults.persistedFaceNotFound(id);
  return found;
}

function viewOf({ id, userData }: StoredFace): object {
  return withoutNull({ persistedFaceId: id, userData });
}

function refuseTooMany(kind: Kind, { store, plan }: FaceContext, { collection, personId }: Owner): void {
  const full =
    personId === null
      ? collection.faces >= kind.limits[plan].each
      : store.faces(collection.key, personId, '', facesOfAPerson).length >= facesOfAPerson;
  if (full) throw faults.quota('Persisted face number reached limit.');
}

/** The one face that a call to add one is about, seen with the recognition model of its collection. */
async function lookAt(
  context: FaceContext,
  { recognitionModel }: StoredCollection,
  request: FastifyRequest,
): Promise<AnalyzedFace> {
  const query = queryOf(request);
  const detectionModel = readDetectionModel(query['detectionModel']);
  const target = readTarget(query['targetFace']);
  const picture = await readPicture(request, context);
  const wanted = { detectionModel, recognitionModel, landmarks: false, attributes: [] };
  return onlyFace(await context.analyze(picture, wanted), target);
}

/** The faces of persons of a kind of group, or of a kind of list. */
export function persistedFaceOperations(kind: Kind): Operation[] {
  const owner = kind.holds === 'persons' ? ':collection/persons/:person' : ':collection';
  const all = `/${kind.path}/${owner}/persistedfaces`;
  const path = `${all}/:face`;
  const operations: Operation[] = [
    {
      name: 'addFace',
      method: 'POST',
      path: all,
      takesPicture: true,
      handle(context, request) {
        const { collection, personId } = ownerOf(kind, context, request, 'change');
        const userData = readFaceUserData(queryOf(request)['userData']) ?? null;
        const found = lookAt(context, collection, request);
        return context.inTurn(turnOf(collection, personId), found, (seen) => {
          // What held the face may have been deleted, and created anew, while the picture was looked at.
          const now = ownerOf(kind, context, request, 'read');
          if (now.collection.key !== collection.key) throw kind.faults.notFound(404);
          refuseTooMany(kind, context, now);
          const face = { id: randomUUID(), userData, vector: embeddingOf(seen) };
          context.store.addFace(collection.key, personId, face);
          return { persistedFaceId: face.id };
        });
      },
    },
    {
      name: 'getFace',
      method: 'GET',
      path,
      handle: (context, request) => viewOf(faceOf(context, ownerOf(kind, context, request, 'read'), request)),
    },
    {
      name: 'updateFace',
      method: 'PATCH',
      path,
      handle(context, request) {
        const changed = ownerOf(kind, context, request, 'change');
        const before = faceOf(context, changed, request);
        const userData = readFaceUserData(readJson(request)['userData']) ?? before.userData;
        context.store.updateFace(userData, changed.collection.key, changed.personId, before.id);
      },
    },
    {
      name: 'deleteFace',
      method: 'DELETE',
      path,
      handle(context, request) {
        const changed = ownerOf(kind, context, request, 'change');
        const { collection, personId } = changed;
        return context.inTurn(turnOf(collection, personId), Promise.resolve(), () => {
          const { id } = faceOf(context, changed, request);
          context.store.deleteFace(collection.key, personId, id);
          context.gallery.forgetFace(collection.key, id);
        });
      },
    },
    {
      name: 'listFaces',
      method: 'GET',
      path: all,
      handle(context, request) {
        const { collection, personId } = ownerOf(kind, context, request, 'read');
        return context.store.faces(collection.key, personId, ...readPage(request)).map(viewOf);
      },
    },
  ];
  return operations.filter(({ name }) => isServed(kind, name));
}

/** Faces of a person are listed with the person; a list that is read whole has none that are read alone. */
function isServed({ holds, trained }: Kind, name: string): boolean {
  if (name === 'listFaces') return holds === 'faces' && trained;
  return trained || name === 'addFace' || name === 'deleteFace';
}

import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { changeableCollectionOf, collectionOf } from './collections.ts';
import { readDetectionModel } from './modelNames.ts';
import { faults } from './faults.ts';
import type { Kind } from './kinds.ts';
import type { FaceContext, Operation } from './operations.ts';
import { personOf, turnOf } from './persons.ts';
import { readPicture } from './pictures.ts';
import { queryOf, readFaceUserData, readJson, readUuid, withoutNull } from './requests.ts';
import type { StoredCollection, StoredFace, StoredPerson } from './store.ts';
import { onlyFace, readTarget } from './targetFace.ts';
import type { AnalyzedFace, Rectangle, Wanted } from './vision.ts';

const facesOfAPerson = 248;

type Owner = { collection: StoredCollection; person: StoredPerson };

function ownerOf(kind: Kind, context: FaceContext, request: FastifyRequest, use: 'read' | 'change'): Owner {
  const find = use === 'read' ? collectionOf : changeableCollectionOf;
  const collection = find(kind, context, request);
  return { collection, person: personOf(context, collection, request) };
}

function faceOf({ store }: FaceContext, { collection, person }: Owner, request: FastifyRequest): StoredFace {
  const id = readUuid((request.params as { face: string }).face);
  if (id === undefined) throw faults.persistedFaceId();
  const found = store.face(collection.key, person.id, id);
  if (found === undefined) throw faults.persistedFaceNotFound(id);
  return found;
}

async function lookAt(
  { analyze, urlTimeoutMs }: FaceContext,
  request: FastifyRequest,
  target: Rectangle | undefined,
  models: Pick<Wanted, 'detectionModel' | 'recognitionModel'>,
): Promise<AnalyzedFace> {
  const picture = await readPicture(request, urlTimeoutMs);
  return onlyFace(await analyze(picture, { ...models, landmarks: false, attributes: [] }), target);
}

/** The faces of persons of a kind of collection. */
export function persistedFaceOperations(kind: Kind): Operation[] {
  const all = `/${kind.path}/:collection/persons/:person/persistedfaces`;
  const path = `${all}/:face`;
  return [
    {
      name: 'addFace',
      method: 'POST',
      path: all,
      handle(context, request) {
        const { collection, person } = ownerOf(kind, context, request, 'change');
        const query = queryOf(request);
        const { recognitionModel } = collection;
        const detectionModel = readDetectionModel(query['detectionModel']);
        const userData = readFaceUserData(query['userData']) ?? null;
        const found = lookAt(context, request, readTarget(query['targetFace']), {
          detectionModel,
          recognitionModel,
        });
        return context.inTurn(turnOf(collection, person), found, ({ embedding }) => {
          // What held the person may have been deleted while the picture was looked at.
          ownerOf(kind, context, request, 'read');
          if (context.store.facesOfPerson(collection.key, person.id).length >= facesOfAPerson) {
            throw faults.quota('Persisted face number reached limit.');
          }
          const face = { id: randomUUID(), userData, vector: embedding };
          context.store.addFace(collection.key, person.id, face);
          return { persistedFaceId: face.id };
        });
      },
    },
    {
      name: 'getFace',
      method: 'GET',
      path,
      handle(context, request) {
        const { id, userData } = faceOf(context, ownerOf(kind, context, request, 'read'), request);
        return withoutNull({ persistedFaceId: id, userData });
      },
    },
    {
      name: 'updateFace',
      method: 'PATCH',
      path,
      handle(context, request) {
        const owner = ownerOf(kind, context, request, 'change');
        const before = faceOf(context, owner, request);
        const userData = readFaceUserData(readJson(request)['userData']) ?? before.userData;
        context.store.updateFace(userData, owner.collection.key, owner.person.id, before.id);
      },
    },
    {
      name: 'deleteFace',
      method: 'DELETE',
      path,
      handle(context, request) {
        const owner = ownerOf(kind, context, request, 'change');
        const { collection, person } = owner;
        return context.inTurn(turnOf(collection, person), Promise.resolve(), () => {
          const { id } = faceOf(context, owner, request);
          context.store.deleteFace(collection.key, person.id, id);
          context.gallery.forgetFace(collection.key, id);
        });
      },
    },
  ];
}

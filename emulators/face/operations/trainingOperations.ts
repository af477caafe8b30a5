import { collectionOf } from './collections.ts';
import type { Kind } from './kinds.ts';
import type { Operation } from './operations.ts';
import { withoutNull } from '../http/requests.ts';
import type { StoredTraining } from '../storage/store.ts';

/** Seven fractional digits, as the real service writes times. */
function iso(time: number): string {
  return new Date(time).toISOString().replace('Z', '0000Z');
}

/** `lastSuccessfulTrainingDateTime` is absent until the first success, as in the real service. */
function viewOf({ status, createdAt, lastActionAt, lastSuccessAt, message }: StoredTraining): object {
  return withoutNull({
    status,
    createdDateTime: iso(createdAt),
    lastActionDateTime: iso(lastActionAt),
    lastSuccessfulTrainingDateTime: lastSuccessAt === null ? null : iso(lastSuccessAt),
    message,
  });
}

export function trainingOperations(kind: Kind): Operation[] {
  const path = `/${kind.path}/:collection`;
  return [
    {
      name: 'train',
      method: 'POST',
      path: `${path}/train`,
      handle(context, request, reply) {
        const { key } = collectionOf(kind, context, request);
        if (context.trainings.isRunning(key)) throw kind.faults.underTraining();
        context.trainings.start(key);
        const [itself = ''] = request.url.split('?', 1);
        const status = itself.replace(/\/train\/?$/i, '/training');
        reply.code(202).header('operation-location', `${request.protocol}://${request.host}${status}`);
        reply.header('access-control-expose-headers', 'Operation-Location');
      },
    },
    {
      name: 'trainingStatus',
      method: 'GET',
      path: `${path}/training`,
      handle(context, request) {
        const training = context.store.training(collectionOf(kind, context, request).key);
        if (training === undefined) throw kind.faults.notTrained(404);
        return viewOf(training);
      },
    },
  ];
}

import { loadCollection } from './collections.ts';
import type { Kind } from './kinds.ts';
import type { Operation } from './operation.ts';
import { omitNull } from './parameters.ts';
import type { StoredTraining } from '../storage/store.ts';

/** Azure writes times with seven fractional digits. */
function toIsoTime(time: number): string {
  return new Date(time).toISOString().replace('Z', '0000Z');
}

/** `lastSuccessfulTrainingDateTime` is absent until the first success, as in Azure's answers. */
function toResponse({ status, createdAt, lastActionAt, lastSuccessAt, message }: StoredTraining): object {
  return omitNull({
    status,
    createdDateTime: toIsoTime(createdAt),
    lastActionDateTime: toIsoTime(lastActionAt),
    lastSuccessfulTrainingDateTime: lastSuccessAt === null ? null : toIsoTime(lastSuccessAt),
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
      statusSegment: 'training',
      handle(context, call) {
        const { key } = loadCollection(kind, context, call);
        if (context.trainings.isRunning(key)) throw kind.faults.underTraining();
        context.trainings.start(key);
      },
    },
    {
      name: 'trainingStatus',
      method: 'GET',
      path: `${path}/training`,
      handle(context, call) {
        const training = context.store.training(loadCollection(kind, context, call).key);
        if (training === undefined) throw kind.faults.notTrained(404);
        return toResponse(training);
      },
    },
  ];
}

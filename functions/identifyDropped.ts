import { app } from '@azure/functions';
import { connections, containers, functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';
import { pathOf } from './host/blobPath.ts';

/** Reconciles an image that was uploaded to `identify`: identifies its people and records the result. */
app.storageBlob(functionNames.identifyDropped, {
  path: `${containers.identify}/{name}`,
  connection: connections.storage,
  source: 'EventGrid',
  handler: async (_blob, context) => (await pipeline()).reconcileImage(pathOf(context)),
});

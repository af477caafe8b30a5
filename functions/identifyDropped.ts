import { app } from '@azure/functions';
import { connections, containers, functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';
import { pathOf } from './host/blobPath.ts';

/** A picture was dropped into `identify`: who is on it is recorded. */
app.storageBlob(functionNames.identifyDropped, {
  path: `${containers.identify}/{name}`,
  connection: connections.storage,
  source: 'EventGrid',
  handler: async (_blob, context) => (await pipeline()).reconcileImage(pathOf(context)),
});

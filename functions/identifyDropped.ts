import { app } from '@azure/functions';
import { connections, containers, functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';
import { toTriggeredBlob } from './host/triggeredBlob.ts';

/** Reconciles an image that was uploaded to `identify`: identifies its people and records the result. */
app.storageBlob(functionNames.identifyDropped, {
  path: `${containers.identify}/{name}`,
  connection: connections.storage,
  source: 'EventGrid',
  handler: async (blob, context) => {
    const { path, loaded } = toTriggeredBlob(blob, context);
    await (await pipeline()).reconcileImage(path, loaded);
  },
});

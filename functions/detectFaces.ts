import { app } from '@azure/functions';
import { connections, containers, functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';
import { pathOf } from './host/blobPath.ts';

/** Reconciles an image that was uploaded to `enroll`: detects its faces and enqueues its person. */
app.storageBlob(functionNames.detectFaces, {
  path: `${containers.enroll}/{name}`,
  connection: connections.storage,
  source: 'EventGrid',
  handler: async (_blob, context) => (await pipeline()).reconcileImage(pathOf(context)),
});

import { app } from '@azure/functions';
import { parseKey } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** Reconciles a queued image that was deferred or is retried. */
app.serviceBusQueue('lookAtPicture', {
  queueName: queues.images.name,
  connection: connections.serviceBus,
  handler: async (message) => (await pipeline()).reconcileQueuedImage(parseKey.image(message)),
});

import { app } from '@azure/functions';
import { parseKey } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** Reconciles a queued group, which may need a training or has a running one. The Service Bus session is the group. */
app.serviceBusQueue('trainGroup', {
  queueName: queues.trainings.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).reconcileGroup(parseKey.training(message).group),
});

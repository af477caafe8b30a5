import { app } from '@azure/functions';
import { readBell } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** A doorbell: a group that may want to be trained, or whose training runs. The session is the group. */
app.serviceBusQueue('trainGroup', {
  queueName: queues.trainings.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).trainGroup(readBell.training(message).group),
});

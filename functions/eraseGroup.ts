import { app } from '@azure/functions';
import { readBell } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** A doorbell: a group that was deleted and of which things are left. The session is the group. */
app.serviceBusQueue('eraseGroup', {
  queueName: queues.erasures.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).eraseGroup(readBell.erasure(message).group),
});

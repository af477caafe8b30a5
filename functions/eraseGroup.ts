import { app } from '@azure/functions';
import { parseKey } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** Takes the next step of the erasure of a queued group. The Service Bus session is the group. */
app.serviceBusQueue('eraseGroup', {
  queueName: queues.erasures.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).eraseGroup(parseKey.erasure(message).group),
});

import { app } from '@azure/functions';
import { readBell } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** A doorbell: a picture whose turn has come, or that is tried again. */
app.serviceBusQueue('lookAtPicture', {
  queueName: queues.pictures.name,
  connection: connections.serviceBus,
  handler: async (message) => (await pipeline()).lookAtPicture(readBell.picture(message)),
});

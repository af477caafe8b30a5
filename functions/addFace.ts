import { app } from '@azure/functions';
import { readBell } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** A doorbell: a person whose faces are to be added or removed, in order. The session is the person. */
app.serviceBusQueue('addFace', {
  queueName: queues.persons.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).workOnPerson(readBell.person(message)),
});

import { app } from '@azure/functions';
import { parseKey } from '../shared/messages/workQueues.ts';
import { connections, queues } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** Reconciles a queued person: adds and removes faces in order. The Service Bus session is the person. */
app.serviceBusQueue('addFace', {
  queueName: queues.persons.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: async (message) => (await pipeline()).reconcilePerson(parseKey.person(message)),
});

import { app } from '@azure/functions';
import { readBell } from '../shared/messages/doorbells.ts';
import { connections, queues } from '../shared/resources.ts';
import { rollcall } from './app.ts';

/** A doorbell: a person whose faces are to be added or removed, in order. The session is the person. */
app.serviceBusQueue('addFace', {
  queueName: queues.persons.name,
  connection: connections.serviceBus,
  isSessionsEnabled: true,
  handler: (message) => rollcall.workOnPerson(readBell.person(message)),
});

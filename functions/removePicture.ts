import { app } from '@azure/functions';
import { functionNames } from '../shared/resources.ts';
import { pipeline } from './app.ts';

/** A blob was deleted, or so the event says: what lies at its path now decides. */
app.eventGrid(functionNames.removePicture, {
  handler: async (event) => (await pipeline()).blobEvent(event),
});

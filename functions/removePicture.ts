import { app } from '@azure/functions';
import { functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** A blob was deleted, or so the event says: what lies at its path now decides. */
app.eventGrid(functionNames.removePicture, {
  handler: async (event) => (await pipeline()).blobEvent(event),
});

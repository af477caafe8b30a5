import { app } from '@azure/functions';
import { functionNames } from '../shared/config/resources.ts';
import { pipeline } from './host/app.ts';

/** Reconciles the image of a deletion event. The present blob at the path decides, not the event. */
app.eventGrid(functionNames.removePicture, {
  handler: async (event) => (await pipeline()).blobEvent(event),
});

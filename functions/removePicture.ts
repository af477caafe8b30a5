import { app } from '@azure/functions';
import { z } from 'zod';
import { functionNames } from '../shared/resources.ts';
import { pipeline } from './app.ts';

const deleted = z.object({
  subject: z.string().regex(/^\/blobServices\/default\/containers\/[^/]+\/blobs\/./),
});

/** A blob was deleted, or so the event says: what lies at its path now decides. */
app.eventGrid(functionNames.removePicture, {
  handler: async (event) => {
    const { subject } = deleted.parse(event);
    const { pictureArrived } = await pipeline();
    return pictureArrived(subject.replace(/^\/blobServices\/default\/containers\/([^/]+)\/blobs\//, '$1/'));
  },
});

import { app } from '@azure/functions';
import { pipeline } from './app.ts';
import { settings } from './settings.ts';

/** Trains every group anew. */
app.timer('retrain', {
  schedule: settings.RETRAIN_SCHEDULE,
  handler: async () => (await pipeline()).retrain(),
});

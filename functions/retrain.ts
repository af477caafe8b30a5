import { app } from '@azure/functions';
import { pipeline } from './host/app.ts';
import { settings } from './host/settings.ts';

/** Trains every group anew. */
app.timer('retrain', {
  schedule: settings.RETRAIN_SCHEDULE,
  handler: async () => (await pipeline()).retrain(),
});

import { app } from '@azure/functions';
import { pipeline } from './host/app.ts';
import { settings } from './host/settings.ts';

/** Starts a new training of every group that has been trained before. */
app.timer('retrain', {
  schedule: settings.RETRAIN_SCHEDULE,
  handler: async () => (await pipeline()).retrain(),
});

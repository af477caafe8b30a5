import { app } from '@azure/functions';
import { rollcall, settings } from './app.ts';

/** Trains every group anew. */
app.timer('retrain', { schedule: settings.RETRAIN_SCHEDULE, handler: () => rollcall.retrain() });

import { app } from '@azure/functions';
import { rollcall, settings } from './app.ts';

/** Looks for what was lost on the way. */
app.timer('sweep', {
  schedule: settings.SWEEP_SCHEDULE,
  handler: async () => {
    await rollcall.sweep();
    if (settings.ROLLCALL_TELEMETRY !== 'off') await rollcall.measureBacklog();
  },
});

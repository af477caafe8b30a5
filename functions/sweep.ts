import { app } from '@azure/functions';
import { pipeline } from './host/app.ts';
import { settings } from './host/settings.ts';

/** Looks for what was lost on the way. */
app.timer('sweep', {
  schedule: settings.SWEEP_SCHEDULE,
  handler: async () => {
    const { sweep, measureBacklog } = await pipeline();
    await sweep();
    if (settings.ROLLCALL_TELEMETRY !== 'off') await measureBacklog();
  },
});

import { app } from '@azure/functions';
import { pipeline } from './host/app.ts';
import { settings } from './host/settings.ts';

/** Runs the resync, which finds what no event or message announced. Measures the backlog if telemetry is on. */
app.timer('sweep', {
  schedule: settings.SWEEP_SCHEDULE,
  handler: async () => {
    const { resync, measureBacklog } = await pipeline();
    await resync();
    if (settings.ROLLCALL_TELEMETRY !== 'off') await measureBacklog();
  },
});

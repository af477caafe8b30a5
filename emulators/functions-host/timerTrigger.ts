import { Cron } from 'croner';
import type { RegisteredFunction } from './core.ts';
import { findTrigger, type Invoke } from './invoke.ts';

/**
 * Starts a timer trigger (six fields, UTC). Scheduled runs of a timer never overlap, and a failure does not stop the
 * schedule. `paused`: the timer has no schedule and runs only by `run`.
 * @throws Error when the schedule cannot be read
 */
export function startTimer(
  registered: RegisteredFunction,
  { invoke, resolve, paused }: { invoke: Invoke; resolve: (text: string) => string; paused: boolean },
): { run(): Promise<void>; close(): Promise<void> } {
  const { binding } = findTrigger(registered.metadata.bindings);
  const schedule = resolve(String(binding['schedule']));
  let running: Promise<void> = Promise.resolve();
  const run = async (isPastDue: boolean): Promise<void> => {
    const data = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: isPastDue };
    // The failure of a function is logged with its invocation.
    const reason = `Timer fired at ${new Date().toISOString()}`;
    await invoke(registered, { data: { json: JSON.stringify(data) }, reason }).then(
      () => undefined,
      () => undefined,
    );
  };
  let cron: Cron;
  try {
    const options = { timezone: 'UTC', protect: true, sloppyRanges: true, mode: '6-part', paused } as const;
    cron = new Cron(schedule, options, () => {
      running = run(false);
      return running;
    });
  } catch (error) {
    throw new Error(`the schedule of ${registered.metadata.name} cannot be read: ${schedule}`, {
      cause: error,
    });
  }
  if (binding['runOnStartup'] === true && !paused) running = run(false);
  return {
    run: () => run(false),
    async close() {
      cron.stop();
      await running;
    },
  };
}

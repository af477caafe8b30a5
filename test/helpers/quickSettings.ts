/** Settings that make the pipeline's own waits short. */
export const quickSettings = { TRAIN_QUIET_SECONDS: '0.5', SWEEP_SCHEDULE: '*/5 * * * * *' };

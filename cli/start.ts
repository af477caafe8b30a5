import { once } from 'node:events';
import { startStack, type StackOptions } from '../emulators/stack/stack.ts';
import type { TrainingTime } from '../emulators/face/training/trainingTime.ts';

export type StartOptions = {
  port: number;
  data: string;
  faceTps: number | 'none';
  trainingTime: TrainingTime;
  auth: boolean;
  instances: number;
  allowHost: string[];
};

/** Builds the functions, starts the embedded stack and stays until Ctrl-C. */
export async function start(values: StartOptions): Promise<void> {
  const options: StackOptions = {
    port: values.port,
    dataDir: values.data,
    faceTps: values.faceTps,
    trainingTime: values.trainingTime,
    instances: values.instances,
    auth: values.auth,
    allowHosts: values.allowHost,
    async build() {
      console.log('Building the functions');
      // Loaded beside the start of the emulators, whose first line comes at once.
      const { buildFunctions } = await import('../scripts/buildFunctions.ts');
      return buildFunctions();
    },
    output: (line) => console.log(line),
    onStart: (emulator) => console.log(`Starting ${emulatorTitles[emulator] ?? emulator}`),
  };
  const asked = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const startedAt = performance.now();
  const stack = await Promise.race([startStack(options), asked.then(() => undefined)]);
  if (stack === undefined) {
    console.log('Stopped before it was ready.');
    // The emulators end with this process.
    process.exit();
  }
  const { http, face } = stack.endpoints;
  console.log(`Rollcall is ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s.`);
  console.log(`  HTTP API  ${http}/api   (GET ${http}/api/health)`);
  if (values.auth)
    console.log('            every route asks for the key httpKey of endpoints.json in x-functions-key');
  console.log(`  Face      ${face}`);
  console.log(`  Storage and Service Bus: see ${stack.dataDir}/endpoints.json`);
  console.log('Ctrl-C stops it.');
  const ended = await Promise.race([asked, stack.failure]);
  console.log('Stopping');
  await stack.stop();
  console.log(`Stopped. The data is kept in ${stack.dataDir}`);
  if (typeof ended === 'string') throw new Error(ended);
}

/** What the lines of the start call the emulators. */
const emulatorTitles: Record<string, string> = {
  storage: 'storage',
  'service-bus': 'Service Bus',
  face: 'Face and its models',
  'functions-host': 'the Functions host',
};

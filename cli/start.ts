import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { startStack, type StackOptions } from '../emulators/stack/stack.ts';
import { readHostName, readPort, readTrainingTime } from './options.ts';

/** `--face-tps`: calls a second, or `none`. @throws Error that says what was expected */
export function readFaceTps(text: string): number | 'none' {
  if (text === 'none') return 'none';
  const calls = Number(text);
  if (Number.isInteger(calls) && calls >= 1 && calls <= 100_000) return calls;
  throw new Error(`--face-tps takes a whole number of calls a second or "none", not "${text}"`);
}

/** Builds the functions, starts the embedded stack and stays until Ctrl-C. */
export async function start(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string', default: '7071' },
      data: { type: 'string', default: '.rollcall' },
      'face-tps': { type: 'string', default: '10' },
      'training-time': { type: 'string', default: 'none' },
      auth: { type: 'boolean', default: false },
      instances: { type: 'string', default: '1' },
      'allow-host': { type: 'string', multiple: true, default: [] },
    },
  });
  const port = readPort(values.port);
  const instances = Number(values.instances);
  if (!Number.isInteger(instances) || instances < 1 || instances > 16) {
    throw new Error(`--instances takes a number from 1 to 16, not "${values.instances}"`);
  }
  const options: StackOptions = {
    port,
    dataDir: values.data,
    faceTps: readFaceTps(values['face-tps']),
    trainingTime: readTrainingTime(values['training-time']),
    instances,
    auth: values.auth,
    allowHosts: values['allow-host'].map(readHostName),
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

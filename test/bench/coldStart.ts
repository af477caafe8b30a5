import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { median } from './median.ts';

const run = promisify(execFile);
const starts = 9;
const files = { bare: 'test/bench/bareApp.cjs', bundle: 'dist/functions.cjs' } as const;

/** Loads one file in a process of its own and says how long that took, and how long since the process began. */
const load = `
  const begin = performance.now();
  require(process.argv[1]);
  process.stdout.write(JSON.stringify([performance.now() - begin, performance.now()]), () => process.exit());
`;

/** Connects to nothing, but has to be readable: the start checks its settings. */
const account = 'http://127.0.0.1:9/devstoreaccount1';
const settings = {
  ROLLCALL_STORAGE: `DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=YQ==;BlobEndpoint=${account};QueueEndpoint=${account};TableEndpoint=${account};`,
  ROLLCALL_SERVICEBUS: 'Endpoint=sb://127.0.0.1;SharedAccessKeyName=a;SharedAccessKey=YQ==',
  FACE_ENDPOINT: 'http://127.0.0.1:9',
  FACE_APIKEY: 'none',
};

/** How long the built bundle takes to load in a cold Node, beside an app of one function and nothing else. */
export async function coldStart(): Promise<void> {
  const taken = { bare: [] as [number, number][], bundle: [] as [number, number][] };
  for (let start = 0; start < starts; start += 1) {
    for (const name of ['bare', 'bundle'] as const) {
      const { stdout } = await run(process.execPath, ['--eval', load, resolve(files[name])], {
        env: { ...process.env, ...settings },
      });
      taken[name].push(JSON.parse(stdout) as [number, number]);
    }
  }
  const loads = (name: keyof typeof taken) => median(taken[name].map(([ms]) => ms));
  const wholes = (name: keyof typeof taken) => median(taken[name].map(([, ms]) => ms));
  const row = (what: string, of: typeof loads) =>
    `  ${what}: bare ${of('bare').toFixed(0)} ms, bundle ${of('bundle').toFixed(0)} ms, ratio ${(of('bundle') / of('bare')).toFixed(1)}`;
  console.log(`cold start of the bundle beside a bare @azure/functions app, median of ${starts}`);
  console.log(row('from the start of Node', wholes));
  console.log(row('loading alone', loads));
}

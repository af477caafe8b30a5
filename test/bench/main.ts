import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { buildFunctions } from '../../scripts/buildFunctions.ts';
import { gallery } from './gallery.ts';
import { importUnderQuota } from './importUnderQuota.ts';
import { models } from './models.ts';
import { recovery } from './recovery.ts';
import { throughput } from './throughput.ts';

/*
 * Machines are noisy: what counts is the ratios of one run. `npm run bench -- --minutes 10` for a long import,
 * `npm run bench -- --only models` for the models of the Face service alone.
 */

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, only: { type: 'string' } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not "${values.minutes}"`);

const benches: Record<string, () => Promise<void>> = {
  models,
  throughput: async () => {
    for (const instances of [1, 4]) await throughput(instances);
  },
  import: () => importUnderQuota({ instances: 4, minutes }),
  recovery,
  gallery,
};
const { only } = values;
if (only !== undefined && !(only in benches)) {
  throw new Error(`--only takes one of ${Object.keys(benches).join(', ')}, not "${only}"`);
}

await buildFunctions();
console.log(`cores: ${cpus().length}`);
for (const [name, bench] of Object.entries(benches)) if (only === undefined || only === name) await bench();

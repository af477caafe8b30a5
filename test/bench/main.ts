import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { buildFunctions } from '../../scripts/buildFunctions.ts';
import { gallery } from './gallery.ts';
import { importUnderQuota } from './importUnderQuota.ts';
import { recovery } from './recovery.ts';
import { throughput } from './throughput.ts';

/* Machines are noisy: what counts is the ratios of one run. `npm run bench -- --minutes 10` for a long import. */

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '1' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not "${values.minutes}"`);

await buildFunctions();
console.log(`cores: ${cpus().length}`);
for (const instances of [1, 4]) await throughput(instances);
await importUnderQuota({ instances: 4, minutes });
await recovery();
await gallery();

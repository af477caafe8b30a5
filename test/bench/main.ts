import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { buildFunctions } from '../../scripts/buildFunctions.ts';
import { broker } from './broker.ts';
import { coldStart } from './coldStart.ts';
import { gallery } from './gallery.ts';
import { growth } from './growth.ts';
import { importUnderQuota, type ImportOptions } from './importUnderQuota.ts';
import { journal } from './journal.ts';
import { ownShare } from './ownShare.ts';
import { recovery } from './recovery.ts';
import { throughput } from './throughput.ts';

/*
 * Machines are noisy: what counts is the ratios of one run. `npm run bench` runs all, `npm run bench -- growth broker`
 * only those named. `--minutes 3` for a shorter import, `--training published` for trainings that take as long as
 * Azure's instead of 90 seconds.
 */

type Options = Omit<ImportOptions, 'instances'>;

const benches: Record<string, (options: Options) => Promise<void>> = {
  coldStart,
  ownShare,
  async throughput() {
    for (const instances of [1, 4]) await throughput(instances);
  },
  growth,
  async broker() {
    for (const connections of [1, 4]) await broker(connections);
  },
  journal,
  gallery: () => gallery(),
  importUnderQuota: (options) => importUnderQuota({ instances: 4, ...options }),
  recovery,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '10' },
    training: { type: 'string', default: '90' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes takes a number above 0, not "${values.minutes}"`);
const training = values.training === 'published' ? values.training : Number(values.training);
if (Number.isNaN(training))
  throw new Error(`--training takes "published" or seconds, not "${values.training}"`);
const unknown = positionals.find((name) => !(name in benches));
if (unknown !== undefined) {
  throw new Error(`there is no benchmark "${unknown}": ${Object.keys(benches).join(', ')}`);
}

await buildFunctions();
console.log(`cores: ${cpus().length}`);
for (const [name, run] of Object.entries(benches)) {
  if (positionals.length === 0 || positionals.includes(name)) await run({ minutes, training });
}

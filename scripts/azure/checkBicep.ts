import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findBicep } from './bicepCompiler.ts';

/*
 * Compiles and lints the Bicep files with the real compiler, and compares what they would deploy with the snapshots that
 * the tests read. With `--write` the files are formatted and the snapshots written anew.
 */

/** What a snapshot is made for; it names no real subscription. */
const scope = [
  ...['--subscription-id', '00000000-0000-0000-0000-000000000002'],
  ...['--tenant-id', '00000000-0000-0000-0000-000000000003'],
];
const scopes: Record<string, string[]> = {
  events: [...scope, '--resource-group', 'rg-demo', '--location', 'westeurope'],
};

const write = process.argv.includes('--write');
const bicep = findBicep();
if (bicep === undefined) {
  console.log('Bicep was not checked: this machine has no bicep, azd, az or .NET SDK.');
} else {
  const failures = [...lint(bicep), ...format(bicep), ...snapshots(bicep)];
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
  else console.log(`Bicep: ${run(bicep, ['--version']).stdout.trim()}; no error, no warning, no difference`);
}

function run(command: string, given: string[]) {
  return spawnSync(command, given, { encoding: 'utf8' });
}

/** Errors and warnings, of the modules too. */
function lint(compiler: string): string[] {
  return ['infra/main.bicep', 'infra/events.bicep'].flatMap((file) => {
    const { status, stderr } = run(compiler, ['lint', file]);
    return status === 0 && stderr.trim() === '' ? [] : [stderr];
  });
}

function format(compiler: string): string[] {
  const formatted = write ? 'infra' : 'node_modules/.cache/bicep/infra';
  if (!write) cpSync('infra', formatted, { recursive: true });
  run(compiler, ['format', '--pattern', `${formatted}/**/*.bicep`]);
  const files = globSync('**/*.bicep', { cwd: 'infra' });
  return files
    .filter(
      (file) => readFileSync(join(formatted, file), 'utf8') !== readFileSync(join('infra', file), 'utf8'),
    )
    .map((file) => `infra/${file} is not formatted: npm run check:bicep -- --write`);
}

function snapshots(compiler: string): string[] {
  return globSync('test/unit/azure/snapshots/*.bicepparam').flatMap((file) => {
    const name = /(\w+)\.bicepparam$/.exec(file)?.[1] ?? '';
    const mode = write ? 'overwrite' : 'validate';
    const given = [
      'snapshot',
      file,
      '--mode',
      mode,
      ...(scopes[name] ?? [...scope, '--location', 'westeurope']),
    ];
    const { status, stdout, stderr } = run(compiler, given);
    return status === 0
      ? []
      : [`${stdout}${stderr}\n${file} deploys something else: npm run check:bicep -- --write shows what`];
  });
}

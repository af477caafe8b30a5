import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Version of the compiler that is fetched where a machine has none, and the hash of its package where it is known. */
const version = '0.49.2';
const contentHashes: Record<string, string> = {
  'linux-x64': 'z5p/I6NTOJvoQaJj0Rk3bTglGxIAVK920PiwYjrGuAl3V4wyr7yPjd3BYjRtVPBcdcrW1BtS33tSlWzB76MtNw==',
};
const folder = resolve('node_modules/.cache/bicep');

/**
 * The path of a Bicep compiler: one on the PATH, the one that azd or az has fetched, or one that the .NET SDK restores
 * from NuGet. Undefined on a machine that has none of these.
 * @throws Error when the .NET SDK is there and cannot restore the compiler
 */
export function findBicep(): string | undefined {
  const file = process.platform === 'win32' ? 'bicep.exe' : 'bicep';
  const azd = join(process.env['AZD_CONFIG_DIR'] ?? join(homedir(), '.azd'), 'bin', file);
  const az = join(process.env['AZURE_CONFIG_DIR'] ?? join(homedir(), '.azure'), 'bin', file);
  if (runs('bicep')) return 'bicep';
  const fetched = [azd, az].find((path) => existsSync(path));
  if (fetched !== undefined) return fetched;
  return runs('dotnet') ? restoreBicep(file) : undefined;
}

function runs(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function restoreBicep(file: string): string {
  const system = { win32: 'win', darwin: 'osx' }[process.platform as string] ?? 'linux';
  const runtime = `${system}-${process.arch}`;
  const name = `Azure.Bicep.CommandLine.${runtime}`;
  const packageFolder = join(folder, 'packages', name.toLowerCase(), version);
  const compiler = join(packageFolder, 'tools', file);
  if (!existsSync(compiler)) restore(name);
  const metadata = JSON.parse(readFileSync(join(packageFolder, '.nupkg.metadata'), 'utf8')) as {
    contentHash: string;
  };
  const expected = contentHashes[runtime];
  if (expected !== undefined && metadata.contentHash !== expected)
    throw new Error(`${name} ${version} is not the package that it was: its content hash differs`);
  chmodSync(compiler, 0o755);
  return compiler;
}

/** Has the .NET SDK download one package, into the cache of this checkout. */
function restore(name: string): void {
  const sdk = spawnSync('dotnet', ['--version'], { encoding: 'utf8' }).stdout;
  mkdirSync(folder, { recursive: true });
  const project = join(folder, 'bicep.csproj');
  writeFileSync(
    project,
    `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net${sdk.split('.')[0]}.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageDownload Include="${name}" Version="[${version}]" /></ItemGroup>
</Project>
`,
  );
  const { status, stdout } = spawnSync(
    'dotnet',
    ['restore', project, '--packages', join(folder, 'packages')],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`the .NET SDK could not restore ${name} ${version}:\n${stdout}`);
}

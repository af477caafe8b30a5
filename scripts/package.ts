import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/*
 * Installs the packages that stay outside the bundle into `dist/node_modules`, for the system on which Flex Consumption
 * runs Node, whatever this machine is. `azd` runs this script after the build and uploads `dist` as it stands: a build in
 * Azure may use another Node, and was seen to leave the native package of sharp out without an error.
 */
const target = ['--os=linux', '--cpu=x64', '--libc=glibc'];

const { status } = spawnSync(
  'npm',
  ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...target],
  // By the shell: on Windows npm is a script of cmd.exe.
  { cwd: 'dist', stdio: 'inherit', shell: process.platform === 'win32' },
);
if (status !== 0) throw new Error('the packages of dist could not be installed');

const bytes = readdirSync('dist', { recursive: true, encoding: 'utf8' })
  .map((file) => statSync(join('dist', file)))
  .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
console.log(`dist is ready for linux-x64: ${(bytes / 1_048_576).toFixed(1)} MB`);

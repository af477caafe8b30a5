import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../../helpers/temporary.ts';

const execute = promisify(execFile);
const isWindows = process.platform === 'win32';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let elsewhere: string;

const npm = (args: string[], cwd: string) => execute('npm', args, { cwd, shell: isWindows });

/** Packs the client, and installs it in an empty folder without a network. */
beforeAll(async () => {
  folder = await temporaryFolder();
  elsewhere = join(folder.path, 'elsewhere');
  await mkdir(elsewhere);
  await npm(['pack', '--workspace', '@rollcall/cli', '--pack-destination', folder.path], process.cwd());
  const [archive = ''] = (await readdir(folder.path)).filter((name) => name.endsWith('.tgz'));
  const options = ['--prefix', elsewhere, '--offline', '--omit=optional', '--no-audit', '--no-fund'];
  await npm(['install', ...options, join(folder.path, archive)], elsewhere);
});

afterAll(() => folder.remove());

function rollcall(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const file = join(elsewhere, 'node_modules', '@rollcall', 'cli', 'rollcall.js');
  // Of everything that may have signed in, `az` alone is asked.
  const env = { ...process.env, AZURE_TOKEN_CREDENTIALS: 'AzureCliCredential' };
  return execute(process.execPath, [file, ...args], { cwd: elsewhere, env });
}

test('the package has a name that nobody else can take, and brings no other package', async () => {
  const own = JSON.parse(await readFile('cli/package.json', 'utf8')) as { name: string };
  const root = JSON.parse(await readFile('package.json', 'utf8')) as { engines: object };
  expect(own).toMatchObject({ name: '@rollcall/cli', engines: root.engines });
  expect(await readdir(join(elsewhere, 'node_modules'))).toEqual(
    expect.not.arrayContaining(['sharp', 'azurite', '@azure']) as string[],
  );
});

test('it runs where nothing else of the repository is, without the commands of the stack', async () => {
  expect((await rollcall('--version')).stdout).toBe('0.1.0\n');
  const { stdout } = await rollcall('--help');
  expect(stdout).toContain('identify');
  expect(stdout).not.toMatch(/^ {2}(start|demo|face) /m);
  await expect(rollcall('status')).rejects.toMatchObject({
    code: 1,
    stderr: 'rollcall status: no stack has run on .rollcall: start one with npm start\n',
  });
});

test('the libraries that are loaded when they are needed are there', async () => {
  // Nobody is signed in here: the library of the sign-in says so.
  const line = ['status', '--url', 'https://127.0.0.1:9', '--scope', 'api://none/.default'];
  await expect(rollcall(...line)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('run az login, then try again') as string,
  });
});

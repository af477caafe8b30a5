import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { expectOwnerOnly } from '../../helpers/ownerOnly.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const emulators: [folder: string, options: object, readyAs: RegExp][] = [
  ['storage', { containers: ['photos'] }, /BlobEndpoint=http/],
  [
    'service-bus',
    {
      port: 0,
      queues: [{ name: 'orders', requiresSession: true, lockDurationSeconds: 15, maxDeliveryCount: 10 }],
    },
    /UseDevelopmentEmulator=true/,
  ],
];

test.each(emulators)(
  '%s starts alone with the options of a file, and ends',
  async (emulator, options, readyAs) => {
    const folder = await temporaryFolder();
    onTestFinished(folder.remove);
    const dataDir = join(folder.path, 'data');
    const optionsFile = join(folder.path, 'options.json');
    await writeFile(optionsFile, JSON.stringify({ ...options, dataDir }));
    const child = spawn(process.execPath, [`emulators/${emulator}/main.ts`, optionsFile], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const readyFile = join(dataDir, 'ready.json');
    expect(String(line)).toBe(`Ready: addresses and keys are in ${readyFile}. Ctrl-C ends it.\n`);
    expect(await readFile(readyFile, 'utf8')).toMatch(readyAs);
    expectOwnerOnly(readyFile);
    const other = spawn(process.execPath, [`emulators/${emulator}/main.ts`, optionsFile], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [refusal] = (await once(other.stderr, 'data')) as [Buffer];
    expect(String(refusal)).toMatch(/^another .* runs on /);
    await once(other, 'exit');
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    if (process.platform !== 'win32') expect(existsSync(readyFile)).toBe(false);
    expect(process.platform === 'win32' ? 0 : code).toBe(0);
  },
);

test('an emulator that is started without options says what it needs', async () => {
  const child = spawn(process.execPath, ['emulators/storage/main.ts'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [line] = (await once(child.stderr, 'data')) as [Buffer];
  expect(String(line)).toContain('Name a JSON file with the options');
  await once(child, 'exit');
});

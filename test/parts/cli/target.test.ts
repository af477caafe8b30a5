import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { deploymentsFile, readDeployments, writeDeployments } from '../../../cli/where/deployments.ts';
import { findTarget, parseUrl } from '../../../cli/where/target.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-'));
const env = { XDG_CONFIG_HOME: folder };
const url = 'https://work.example';

afterAll(() => rmSync(folder, { recursive: true }));

test('an address is one without a key in it, and never sends one as plain text', () => {
  expect(parseUrl('https://work.example/api/')).toBe(url);
  expect(parseUrl('http://127.0.0.1:7071')).toBe('http://127.0.0.1:7071');
  for (const bad of [
    'http://work.example',
    'work.example',
    'https://key@work.example',
    'https://work.example/?code=key',
  ])
    expect(() => parseUrl(bad)).toThrow();
});

test('deployments are remembered in a file that its owner alone can read', async () => {
  expect(await readDeployments(env)).toEqual({ deployments: {} });
  await writeDeployments(env, { last: 'work', deployments: { work: { url, key: 'secret' } } });
  if (process.platform !== 'win32') expect(statSync(deploymentsFile(env)).mode & 0o777).toBe(0o600);
  expect(await findTarget({ at: 'work' }, env)).toEqual({ name: 'work', url, key: 'secret' });
  await expect(findTarget({ at: 'wrok' }, env)).rejects.toThrow(
    'no deployment is called wrok (remembered are work)',
  );
  await expect(findTarget({ at: 'constructor' }, env)).rejects.toThrow('no deployment is called');
});

test('an address of the command line or of the environment goes before what is remembered', async () => {
  const given = { ...env, ROLLCALL_URL: 'https://other.example', ROLLCALL_KEY: 'k' };
  expect(await findTarget({}, given)).toMatchObject({ url: 'https://other.example', key: 'k' });
  expect(await findTarget({ at: 'work' }, given)).toMatchObject({ url, key: 'secret' });
  expect(await findTarget({ url, scope: 'api://id/.default' }, given)).toEqual({
    name: url,
    url,
    scope: 'api://id/.default',
  });
  await expect(findTarget({ url, at: 'work' }, given)).rejects.toThrow('use one of');
});

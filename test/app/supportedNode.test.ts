import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);

/** Runs Node, which says that it is of another version. */
function nodeSaying(version: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  return run(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, ...args]);
}

const functions = ['--eval', "require('./dist/functions.cjs')"];
const sentence = (version: string) => `Rollcall needs Node 22.19 or later, and this is Node ${version}.`;

describe.each(['20.20.2', '22.18.0'])('on Node %s', (version) => {
  test('the bundle refuses to load', async () => {
    await expect(nodeSaying(version, ...functions)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`Error: ${sentence(version)}\n`) as string,
    });
  });

  test('the command line says a sentence and nothing else', async () => {
    await expect(nodeSaying(version, 'cli/rollcall.js', 'status')).rejects.toMatchObject({
      code: 1,
      stderr: `${sentence(version)}\n`,
    });
  });

  test('an installation ends with it where no Node is served for the machine', async () => {
    await expect(nodeSaying(version, 'scripts/postinstall.js')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(sentence(version)) as string,
    });
  });
});

test.each(['22.19.0', '24.0.0', '26.10.0'])('Node %s is new enough', async (version) => {
  const { stderr } = await nodeSaying(version, 'shared/config/supportedNode.js');
  expect(stderr).toBe('');
});

test('package.json and that of the bundle say the same', async () => {
  const { engines, devEngines } = JSON.parse(await readFile('package.json', 'utf8')) as Description;
  const bundle = JSON.parse(await readFile('dist/package.json', 'utf8')) as Description;
  expect(engines.node).toBe('>=22.19.0');
  expect(devEngines?.runtime.version).toBe(engines.node);
  expect(bundle.engines).toEqual(engines);
});

type Description = { engines: { node: string }; devEngines?: { runtime: { version: string } } };

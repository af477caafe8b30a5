import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

test('what is not given is said not to have been tested, service by service', async () => {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('AZURE_TEST_')),
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/testAzure.ts'], { env });
  expect(stdout.match(/^.* WAS NOT TESTED: AZURE_TEST_\w+ is not set$/gm)).toHaveLength(3);
  expect(stdout).toContain('Nothing was tested against Azure.');
});

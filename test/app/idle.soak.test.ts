import { expect, test } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCli } from '../helpers/cli.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/** Three times as long as a slot waits for a session. */
const idleMs = 180_000;

test('a stack that has nothing to do says nothing', { timeout: idleMs + 120_000 }, async () => {
  const folder = await temporaryFolder();
  const stack = startCli(['start', '--port', '0', '--data', folder.path]);
  await stack.says('Ctrl-C stops it.');
  const before = stack.output().length;
  // The time itself is what is tested; a line ends it at once.
  await Promise.race([sleep(idleMs), stack.saysMore()]);
  expect(stack.output().slice(before)).toEqual([]);
  stack.child.kill('SIGTERM');
  expect(await stack.ended).toBe(0);
  await folder.remove();
});

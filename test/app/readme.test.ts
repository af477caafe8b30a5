import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { franck, portrait } from '../helpers/pictures.ts';
import { useSharedStack } from '../helpers/stack.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

const run = promisify(execFile);

const stack = useSharedStack();
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const [known = '', asked = ''] = franck;
  await writeFile(join(folder.path, 'party.jpg'), portrait(asked));
  for (const [path, file] of [
    ['enroll/family/dad/1.jpg', known],
    ['enroll/family/mum/1.jpg', 'cage.jpg'],
  ] as const) {
    await stack.drop(path, portrait(file));
    await stack.settled(path, 'enrolled');
  }
  await stack.covered('family');
});

afterAll(async () => {
  await folder.remove();
});

/** The words of a line for a shell that has no more than single quotes and a comment at its end. */
function words(line: string): string[] {
  const bare = line.replace(/ +#[^']*$/, '');
  return [...bare.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

test('the calls with curl that the README shows answer what it says', async () => {
  const readme = await readFile('README.md', 'utf8');
  const calls = readme.split('\n').filter((line) => line.startsWith('curl '));
  const answers: Record<string, unknown>[] = [];
  for (const call of calls) {
    // The port is the only thing that a test cannot take as it stands.
    const [program = '', ...args] = words(call.replace('localhost:7071', stack.http));
    const { stdout } = await run(program, args, { cwd: folder.path });
    answers.push(JSON.parse(stdout) as Record<string, unknown>);
  }
  const [identified, similar, rejected, erasure] = answers;
  expect(identified).toMatchObject({ kind: 'identify', faces: [{ candidates: [{ person: 'dad' }] }] });
  expect(similar).toMatchObject({ kind: 'find-similar', faces: [{}] });
  expect(JSON.stringify(similar)).toContain('enroll/family/dad/1.jpg');
  expect(rejected).toMatchObject({ items: [] });
  expect(erasure).toMatchObject({ kind: 'person', state: 'running' });
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientCommands } from '../../cli/commands/clientCommands.ts';
import { runHere } from '../helpers/cli.ts';
import { franck, portrait } from '../helpers/pictures.ts';
import { useSharedStack } from '../helpers/stack.ts';
import { temporaryFolder } from '../helpers/temporary.ts';

/* The story of one folder, from its import to the deletion of a person: each test goes on where the one before ended. */

const stack = useSharedStack();
const group = 'command-line';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let people: string;
const [first = '', second = '', asked = ''] = franck;

beforeAll(async () => {
  folder = await temporaryFolder();
  people = join(folder.path, 'people');
  for (const [file, picture] of [
    ['franck/1.jpg', first],
    ['franck/2024/Zoë 李雷.jpg', second],
    ['ironman/1.jpg', 'ironman.jpg'],
  ] as const) {
    await mkdir(join(people, file, '..'), { recursive: true });
    await writeFile(join(people, file), portrait(picture));
  }
  await writeFile(join(people, 'franck', 'notes.txt'), 'x');
});

afterAll(() => folder.remove());

function cli(...args: string[]): Promise<{ code: number; output: string }> {
  return runHere(clientCommands, [...args, '--data', stack.dataDir]);
}

async function jsonOf(...args: string[]): Promise<{ code: unknown; lines: Record<string, unknown>[] }> {
  const { code, output } = await cli(...args, '--json');
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  return { code, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const listed = () => stack.get(`groups/${group}/images?top=1000`);

test('an import that waits says what was refused, why and what helps, and ends with 3', async () => {
  const { code, output } = await cli('import', people, '--group', group, '--wait');
  expect(code).toBe(3);
  expect(output).toContain('Left out 1 (files of other types): franck/notes.txt');
  expect(output).toContain('no_face: There is no face on the image. Send an image on which');
  expect(output).toContain('    ironman/1.jpg');
  expect(output).toContain('3 sent, 0 there already, 1 left out, 1 refused.');
});

test('a second import sends nothing, and changes nothing', async () => {
  const before = await listed();
  const { code, lines } = await jsonOf('enroll', people, '--group', group, '--wait');
  expect(code).toBe(3);
  const counts = { same: 2, sent: 0, deleted: 0, refused: 1, failed: 0, skipped: 1 };
  expect(lines.at(-1)).toEqual({ summary: { ...counts, stopped: false } });
  expect(lines).toContainEqual(expect.objectContaining({ file: 'ironman/1.jpg', reason: 'no_face' }));
  expect(await listed()).toEqual(before);
});

test('a picture that has changed is sent, alone', async () => {
  await writeFile(join(people, 'ironman', '1.jpg'), portrait('cage.jpg'));
  const { code, lines } = await jsonOf('import', people, '--group', group, '--wait');
  expect(code).toBe(0);
  expect(lines).toContainEqual(expect.objectContaining({ file: 'ironman/1.jpg', result: 'sent' }));
  expect(lines.at(-1)).toMatchObject({ summary: { same: 2, sent: 1, refused: 0 } });
});

test('identify names who is known, marks strangers, and goes on after what is no picture', async () => {
  const named = join(folder.path, 'named');
  const files = ['known.jpg', 'stranger.jpg', 'text.jpg'].map((name) => join(folder.path, name));
  const contents = [portrait(asked), portrait('audrey.jpg'), Buffer.from('text')];
  for (const [index, file] of files.entries()) await writeFile(file, contents[index] ?? '');
  const { code, lines } = await jsonOf('identify', ...files, '--group', group, '--annotate', named);
  expect(code).toBe(3);
  expect(lines).toMatchObject([
    { file: files[0], faces: [{ candidates: [{ person: 'franck' }] }] },
    { file: files[1], faces: [{ candidates: [] }] },
    { file: files[2], reason: 'not_an_image' },
  ]);
  const page = await readFile(join(named, 'index.html'), 'utf8');
  expect(page).toMatch(/known\.jpg.*franck 0\.\d\d/);
  expect(page).toMatch(/stranger\.jpg.*<br>stranger/);
});

test('a mirror deletes what the folder does not have, once it is told to', async () => {
  const elsewhere = join(folder.path, 'less');
  await mkdir(join(elsewhere, 'franck'), { recursive: true });
  await writeFile(join(elsewhere, 'franck', '1.jpg'), portrait(first));
  const line = ['import', elsewhere, '--group', group, '--mirror'];
  expect(await cli(...line)).toMatchObject({
    code: 1,
    output: expect.stringContaining('more than a fifth of the group') as string,
  });
  expect((await jsonOf(...line, '--dry-run')).lines).toHaveLength(2);
  expect((await jsonOf(...line, '--yes')).lines.at(-1)).toMatchObject({ summary: { same: 1, deleted: 2 } });
  expect(await stack.image(`enroll/${group}/ironman/1.jpg`)).toMatchObject({ state: 'removed' });
});

test('lists and a person are shown, as text and as JSON', async () => {
  expect((await jsonOf('images', '--group', group, '--state', 'enrolled')).lines).toHaveLength(1);
  expect((await jsonOf('people', '--group', group)).lines).toMatchObject([{ person: 'franck' }]);
  expect((await cli('show', 'franck', '--group', group)).output).toContain(`enroll/${group}/franck/1.jpg`);
  expect((await jsonOf('status', group)).lines).toMatchObject([{ group, images: { enrolled: 1 } }]);
  const csv = await cli('results', '--group', group, '--csv');
  expect(csv.output.split('\n')[0]).toBe('id,createdAt,kind,image,person,confidence,left,top,width,height');
  expect(await cli('show', 'nobody', '--group', group)).toMatchObject({
    code: 1,
    output: expect.stringContaining('There is no such person in the group.') as string,
  });
});

test('settings of a group change, and the doctor finds nothing', async () => {
  expect((await jsonOf('group', 'set', group, '--min-quality', 'low')).lines).toMatchObject([
    { minQuality: 'low' },
  ]);
  const { lines } = await jsonOf('doctor');
  expect(lines.filter(({ what }) => String(what).startsWith('You may')).map(({ ok }) => ok)).toEqual(
    Array.from({ length: 4 }, () => true),
  );
});

test('a deletion is asked for, or told to', async () => {
  expect(await cli('delete', 'franck', '--group', group)).toMatchObject({
    code: 2,
    output: expect.stringContaining('--yes deletes without asking') as string,
  });
  expect(await cli('delete', 'franck', '--group', group, '--image', '1.jpg', '--yes')).toMatchObject({
    code: 0,
  });
  expect(await stack.image(`enroll/${group}/franck/1.jpg`)).toMatchObject({ state: 'removed' });
});

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importFolder } from '../../../cli/import/importFolder.ts';
import { selectFiles } from '../../../cli/import/selectFiles.ts';
import { createOutput } from '../../../cli/terminal/output.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), 'x');
  }
}

/** No stack is there: what is refused is refused before one is asked. */
async function enrolling(person: string, group: string): Promise<unknown> {
  await write(`${person}/1.jpg`);
  const output = createOutput();
  const connect = () => Promise.reject(new Error('a stack was asked for'));
  return importFolder({ output, program: 'rollcall', connect }, folder.path, { group });
}

test('a group that cannot be is told before a picture is sent', async () => {
  await expect(enrolling('ann', 'My Family')).rejects.toThrow(/bad_path: --group takes/);
  await expect(enrolling('ann', 'family/ann')).rejects.toThrow(/bad_path: --group takes/);
});

test.skipIf(process.platform === 'win32')('a folder that would be another person is refused', async () => {
  await expect(enrolling(String.raw`Nicolas\x`, 'family')).rejects.toThrow(/bad_path: .*\n.*backslash/);
});

test('a folder without pictures of people is told', async () => {
  await write('top.jpg');
  const output = createOutput();
  const connect = () => Promise.reject(new Error('a stack was asked for'));
  await expect(
    importFolder({ output, program: 'rollcall', connect }, folder.path, { group: 'family' }),
  ).rejects.toThrow('holds no pictures in folders of people');
});

test('pictures of people become images, however deep they lie and whatever they are called', async () => {
  await write('Zoë/1.JPG', '李雷/2024/party 👩‍👩‍👧.heic', "dad/it's.png");
  const { images, skipped } = await selectFiles(folder.path, 'family');
  expect(images.map(({ image }) => image).toSorted()).toEqual([
    'enroll/family/Zoë/1.JPG',
    "enroll/family/dad/it's.png",
    'enroll/family/李雷/2024/party 👩‍👩‍👧.heic',
  ]);
  expect(images.every(({ bytes }) => bytes === 1)).toBe(true);
  expect(skipped).toEqual([]);
});

test('what is left out is named with its reason', async () => {
  await write(
    'dad/1.jpg',
    'dad/.hidden.jpg',
    '.cache/a.jpg',
    'dad/@eaDir/1.jpg',
    '__MACOSX/dad/1.jpg',
    'dad/Thumbs.db',
    'dad/notes.txt',
    'top.jpg',
  );
  await writeFile(join(folder.path, 'dad/empty.jpg'), '');
  await symlink(join(folder.path, 'dad/1.jpg'), join(folder.path, 'dad/link.jpg'));
  const { images, skipped, unreadable } = await selectFiles(folder.path, 'family');
  expect(images.map(({ file }) => file)).toEqual(['dad/1.jpg']);
  expect(Object.fromEntries(skipped.map(({ file, reason }) => [file, reason]))).toEqual({
    'dad/.hidden.jpg': 'hidden',
    '.cache': 'hidden',
    'dad/@eaDir': 'system',
    __MACOSX: 'system',
    'dad/Thumbs.db': 'thumbnail',
    'dad/notes.txt': 'other_type',
    'dad/empty.jpg': 'empty',
    'dad/link.jpg': 'link',
    'top.jpg': 'no_person',
  });
  expect(unreadable).toEqual([]);
});

test.skipIf(process.platform !== 'linux')(
  'of two spellings of one name, the second is left out',
  async () => {
    await write('Zoë'.normalize('NFC') + '/1.jpg', 'Zoë'.normalize('NFD') + '/1.jpg');
    const { images, skipped } = await selectFiles(folder.path, 'family');
    expect(images.map(({ image }) => image)).toEqual([`enroll/family/${'Zoë'.normalize('NFC')}/1.jpg`]);
    expect(skipped.map(({ reason }) => reason)).toEqual(['same_name']);
  },
);

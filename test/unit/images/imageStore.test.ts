import type { BlobServiceClient } from '@azure/storage-blob';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createImageStore } from '../../../shared/images/imageStore.ts';
import { deleteImage } from '../../../shared/images/upload.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { memoryBlobs, type MemoryBlob } from '../../helpers/memoryStorage.ts';

const path = 'enroll/club/ann/1.jpg';
const etag = '"1"';
const blob: MemoryBlob = { bytes: Buffer.from('x'), etag, writtenAt: 0 };

let blobs: Map<string, MemoryBlob>;
/** What becomes of the tries of a deletion: it lands and its answer is lost, it is lost, or it is answered. */
let tries: ('landsUnanswered' | 'isLost' | 'isAnswered')[];
let imageStore: ReturnType<typeof createImageStore>;

beforeEach(() => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    return controller.signal;
  });
  blobs = new Map([[path, blob]]);
  tries = [];
  const client = memoryBlobs(
    blobs,
    {
      read: async (_what, action) => action(),
      async write(_what, action) {
        const outcome = tries.shift() ?? 'isAnswered';
        if (outcome === 'isAnswered') return action();
        if (outcome === 'landsUnanswered') action();
        await new Promise((resolve) => setTimeout(resolve, 10));
        throw new Error('aborted');
      },
    },
    { now: () => 0 },
  );
  imageStore = createImageStore(client as unknown as BlobServiceClient);
});
afterEach(() => void vi.restoreAllMocks());

test('a deletion that landed and was not answered in time is a deletion', async () => {
  tries = ['landsUnanswered'];
  expect(await imageStore.remove(path, etag)).toBe(true);
  expect(await imageStore.remove(path, etag)).toBe(false);
});

test('a deletion that was lost is repeated', async () => {
  tries = ['isLost', 'isLost'];
  expect(await imageStore.remove(path)).toBe(true);
  expect(blobs.size).toBe(0);
});

test('a blob that was written again after an unanswered try is another version, and stays', async () => {
  tries = ['isLost'];
  blobs.set(path, { ...blob, etag: '"2"' });
  expect(await imageStore.remove(path, etag)).toBe(false);
  expect(blobs.size).toBe(1);
});

test('three tries that are not answered are an outage', async () => {
  tries = ['isLost', 'isLost', 'isLost'];
  await expect(imageStore.remove(path)).rejects.toMatchObject({ code: 'storage_unavailable' });
});

test('an image without a record is found by its blob, even where the storage client repeats its deletion', async () => {
  const { imageRecords } = inMemory().rollcall;
  const reconciled: string[] = [];
  const reconcile = async (image: string) => void reconciled.push(image);
  // The client repeats a request after a reset connection by itself: the store sees the answer to the repetition.
  const repeating = { ...imageStore, remove: async () => Promise.resolve(blobs.delete(path) && false) };
  await deleteImage({ imageStore: repeating, imageRecords, reconcile }, path);
  expect(reconciled).toEqual([path]);
  const again = deleteImage({ imageStore: repeating, imageRecords, reconcile }, path);
  await expect(again).rejects.toMatchObject({ code: 'image_not_found' });
});

import type { InvocationContext } from '@azure/functions';
import { expect, test } from 'vitest';
import { toTriggeredBlob } from '../../../functions/host/triggeredBlob.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

const path = 'enroll/club/ann/1.jpg';
const bytes = portrait('audrey_crop.jpg');

function triggered(blob: unknown, metadata?: Record<string, unknown>) {
  return toTriggeredBlob(blob, { triggerMetadata: metadata } as unknown as InvocationContext);
}

test('a trigger gives a path, and bytes where it says of which version they are', () => {
  const properties = { eTag: '"0x1"' };
  expect(triggered(bytes, { blobTrigger: path, properties })).toEqual({
    path,
    loaded: { etag: '"0x1"', bytes },
  });
  expect(triggered(bytes, { blobTrigger: path, properties: { eTag: '0x1' } }).loaded?.etag).toBe('"0x1"');
  for (const metadata of [{ blobTrigger: path }, { blobTrigger: path, properties: { eTag: {} } }])
    expect(triggered(bytes, metadata)).toEqual({ path });
  expect(triggered('text', { blobTrigger: path, properties })).toEqual({ path });
  expect(() => triggered(bytes, {})).toThrow('names no blob');
});

test('the blob is read again only when the container holds another version by now', async () => {
  for (const etag of ['"now"', '"before"']) {
    const app = inMemory({ face: { detect: async () => [] } });
    const accessed: string[] = [];
    app.before.access = (what) => void accessed.push(what);
    app.blobs.set(path, { bytes, etag: '"now"', writtenAt: app.clock.now });
    await app.rollcall.reconcileImage(path, { etag, bytes });
    expect(accessed.filter((what) => what === 'download')).toHaveLength(etag === '"now"' ? 0 : 1);
    const { body } = await app.call('GET', 'groups/club/images');
    expect(body).toMatchObject({ items: [{ image: path, state: 'rejected', reason: 'no_face' }] });
  }
});

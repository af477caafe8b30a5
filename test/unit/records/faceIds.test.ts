import type { TableClient } from '@azure/data-tables';
import { expect, test } from 'vitest';
import { tables } from '../../../shared/config/resources.ts';
import { createFaceIds, goneAfterExpiryMs, type SeenFace } from '../../../shared/records/faceIds.ts';
import { createTable } from '../../../shared/records/table.ts';
import { inMemory } from '../../helpers/inMemory.ts';

const hourMs = 3_600_000;

test('a face ID is kept until its own end, also when the lifetime of new ones was shortened', async () => {
  const { clock, table } = inMemory();
  const faceIds = createFaceIds(
    createTable(table(tables.faceIds) as unknown as TableClient),
    () => clock.now,
  );
  const seen = (faceId: string, lifetimeMs: number): SeenFace => ({
    faceId,
    faceRectangle: { left: 1, top: 1, width: 40, height: 40 },
    recognitionModel: 'recognition_04',
    detectedAt: clock.now,
    expiresAt: clock.now + lifetimeMs,
  });
  await faceIds.remember('club', [seen('long', 24 * hourMs), seen('short', hourMs)]);
  const left = async () => {
    await faceIds.dropExpired('club', hourMs, 100);
    const found = await Promise.all(['long', 'short'].map((faceId) => faceIds.get('club', faceId)));
    return found.map((face) => face?.faceId);
  };
  clock.now += hourMs + goneAfterExpiryMs - 1;
  expect(await left()).toEqual(['long', 'short']);
  clock.now += 2;
  expect(await left()).toEqual(['long', undefined]);
  clock.now += 23 * hourMs;
  expect(await left()).toEqual([undefined, undefined]);
});

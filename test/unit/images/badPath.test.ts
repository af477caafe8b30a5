import { expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { inMemory } from '../../helpers/inMemory.ts';
import { portrait } from '../../helpers/pictures.ts';

/** A name that Azure Storage keeps, and that no new picture may have. */
const image = 'enroll/club/ann//1.jpg';
const { ref } = placeOf(image);

test('a picture that is dropped at a bad path is rejected, and belongs to its person', async () => {
  const app = inMemory();
  app.blobs.set(image, { bytes: portrait('audrey_crop.jpg'), writtenAt: app.clock.now });
  await app.rollcall.reconcileImage(image);
  expect(await app.call('GET', 'groups/club/images?person=ann')).toMatchObject({
    body: { items: [{ image, person: 'ann', state: 'rejected', reason: 'bad_path' }] },
  });
});

test('what was enrolled at such a path stays, and can be deleted', async () => {
  const app = inMemory();
  app.blobs.set(image, { bytes: portrait('audrey_crop.jpg'), writtenAt: app.clock.now });
  await app.rollcall.reconcileImage(image);
  // As the row was before its path was refused.
  await app.rollcall.imageRecords.change(ref, (picture) => {
    if (picture === undefined) return undefined;
    const { reason: _reason, detail: _detail, ...rest } = picture;
    return { ...rest, state: 'enrolled' };
  });
  await app.rollcall.reconcileImage(image);
  expect((await app.rollcall.imageRecords.get(ref))?.state).toBe('enrolled');
  const url = 'groups/club/persons/ann/images/%2F1.jpg';
  expect(await app.call('DELETE', url)).toMatchObject({ status: 202, body: { image } });
  expect((await app.rollcall.imageRecords.get(ref))?.state).toBe('removed');
});

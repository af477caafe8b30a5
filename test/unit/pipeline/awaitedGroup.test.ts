import sharp from 'sharp';
import { beforeEach, expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { inMemory } from '../../helpers/inMemory.ts';

const image = 'identify/later/who.png';
const { ref } = placeOf(image);
const bytes = await sharp({ create: { width: 900, height: 700, channels: 3, background: 'grey' } })
  .png()
  .toBuffer();

let app: ReturnType<typeof inMemory>;
let accesses: string[];
beforeEach(() => {
  app = inMemory({ face: { detect: () => Promise.resolve([]) } });
  accesses = [];
  app.before.access = (what) => void accesses.push(what);
  app.blobs.set(image, { bytes, etag: '1', writtenAt: app.clock.now });
});

const putGroup = () => app.call('PUT', 'groups/later', { body: '{}' });
const probe = async () => (await app.rollcall.imageRecords.get(ref)) ?? expect.fail('it is not recorded');

/** What a message of the resync leads to. */
async function sweep(): Promise<void> {
  await app.rollcall.resync();
  if ((await probe()).state === 'received') await app.rollcall.reconcileQueuedImage(ref);
}

test('a probe brings no group into being: it is refused unread, and answered when the group comes', async () => {
  await app.rollcall.reconcileImage(image);
  expect(await probe()).toMatchObject({ state: 'rejected', reason: 'group_not_found' });
  expect(accesses.filter((what) => what.includes('download'))).toEqual([]);
  expect((await app.call('GET', 'groups')).body).toEqual({ items: [] });
  expect((await app.call('GET', 'groups/later')).status).toBe(404);
  const { body } = await app.call('GET', 'images?state=rejected');
  expect(body).toMatchObject({ items: [{ image, reason: 'group_not_found' }] });
  await sweep();
  expect(await probe()).toMatchObject({ state: 'rejected' });
  await putGroup();
  await sweep();
  expect(await probe()).toMatchObject({ state: 'identified' });
});

test('it is answered as well when the group comes with the first picture of a person', async () => {
  await app.rollcall.reconcileImage(image);
  const picture = 'enroll/later/ann/1.png';
  app.blobs.set(picture, { bytes, etag: '2', writtenAt: app.clock.now });
  await app.rollcall.reconcileImage(picture);
  await sweep();
  expect(await probe()).toMatchObject({ state: 'identified' });
});

test('it is answered whenever the group comes while the probe arrives', async () => {
  await app.rollcall.reconcileImage(image);
  const steps = accesses.length;
  expect(steps).toBeGreaterThan(5);
  for (let step = 0; step < steps; step += 1) {
    app = inMemory({ face: { detect: () => Promise.resolve([]) } });
    app.blobs.set(image, { bytes, etag: '1', writtenAt: app.clock.now });
    let left = step;
    app.before.access = async () => {
      left -= 1;
      if (left !== -1) return;
      await putGroup();
      await app.rollcall.resync();
    };
    await app.rollcall.reconcileImage(image);
    await sweep();
    expect(await probe(), `at step ${step}`).toMatchObject({ state: 'identified' });
  }
});

import { beforeEach, expect, test } from 'vitest';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { received, rejected, type ImageRecord } from '../../../shared/records/image.ts';
import type { Rejection } from '../../../shared/errors/errors.ts';
import { inMemory } from '../../helpers/inMemory.ts';

let app: ReturnType<typeof inMemory>;
beforeEach(async () => {
  app = inMemory();
  await putGroup({});
});

const putGroup = async (settings: object) =>
  (await app.call('PUT', 'groups/club', { body: JSON.stringify(settings) })).body;

/** Pictures that were refused, each of a person of its own. */
async function refused(count: number, reason: Rejection): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const image = `enroll/club/${reason} ${index}/1.jpg`;
    const person = `${reason} ${index}`;
    app.blobs.set(image, { bytes: Buffer.alloc(9), etag: '1', writtenAt: app.clock.now });
    const known = { image, group: 'club', person, generation: '1.1' };
    await app.rollcall.imageRecords.change(placeOf(image).ref, () => {
      const picture = received(undefined, known, { etag: '1', bytes: 9 }, app.clock.now);
      return rejected(picture, picture, { reason }, app.clock.now);
    });
  }
}

async function pictures(): Promise<ImageRecord[]> {
  return (await app.rollcall.imageRecords.listImages('club', { top: 5_000 })).items;
}

async function sentRound(): Promise<number> {
  return (await pictures()).filter(({ state }) => state === 'received').length;
}

test('what a policy refused and now admits is looked at again, and its cost is told', async () => {
  await refused(3, 'several_faces');
  await refused(2, 'low_quality');
  await refused(1, 'no_face');
  expect(await putGroup({ severalFaces: 'largest' })).toMatchObject({
    lookingAgain: { pictures: 6, calls: 12 },
  });
  await app.rollcall.resync();
  const again = (await pictures()).filter(({ state }) => state === 'received');
  expect(new Set(again.map(({ person }) => person))).toEqual(
    new Set([0, 1, 2].map((n) => `several_faces ${n}`)),
  );
});

test('a policy that admits no more, or the same, has nothing looked at', async () => {
  await putGroup({ severalFaces: 'largest', minQuality: 'low' });
  await app.rollcall.resync();
  await refused(1, 'several_faces');
  await refused(1, 'low_quality');
  for (const settings of [
    { severalFaces: 'largest' },
    { severalFaces: 'dominant' },
    { minQuality: 'high' },
    { identifyThreshold: 0.9 },
    {},
  ]) {
    expect(await putGroup(settings)).not.toHaveProperty('lookingAgain');
    await app.rollcall.resync();
  }
  expect(await sentRound()).toBe(0);
});

test('a resync looks at 500 pictures at most, and the next one goes on', async () => {
  await refused(750, 'several_faces');
  await putGroup({ severalFaces: 'largest' });
  const numbers: number[] = [];
  for (let resyncs = 0; resyncs < 3; resyncs += 1) {
    await app.rollcall.resync();
    numbers.push(await sentRound());
  }
  expect(numbers).toEqual([500, 750, 750]);
});

test('a change that was announced and never written is forgotten, and no picture is touched', async () => {
  await refused(1, 'several_faces');
  app.before.access = (what) => {
    if (what.startsWith('write groups')) throw new Error('an outage');
  };
  await putGroup({ severalFaces: 'largest' });
  app.before.access = () => undefined;
  await app.rollcall.resync();
  app.clock.now += 4_000_000;
  await app.rollcall.resync();
  expect(await sentRound()).toBe(0);
  // A change that comes later is one of its own.
  expect(await putGroup({ severalFaces: 'largest' })).toHaveProperty('lookingAgain');
  await app.rollcall.resync();
  expect(await sentRound()).toBe(1);
});

test('a redrive for a reason takes what was rejected for it, page by page, each picture once', async () => {
  await refused(510, 'low_quality');
  await refused(3, 'no_face');
  const redrive = async (query: string) =>
    (await app.call('POST', `failures/redrive?reason=low_quality${query}`)).body as {
      redriven: number;
      more: boolean;
      next?: string;
    };
  const first = await redrive('');
  expect(first).toMatchObject({ redriven: 500, more: true });
  const second = await redrive(`&after=${first.next}`);
  expect(second).toEqual({ redriven: 10, more: false });
  expect(await sentRound()).toBe(510);
  expect((await app.call('POST', 'failures/redrive?reason=sunshine')).status).toBe(400);
  expect((await app.call('POST', `failures/redrive?after=${first.next}`)).status).toBe(400);
});

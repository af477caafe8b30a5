import { deferred } from '../../../shared/errors/errors.ts';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import type { FaceRectangle } from '../../../shared/face/types.ts';
import { placeOf } from '../../../shared/images/imagePath.ts';
import { prepareImage } from '../../../shared/images/prepareImage.ts';
import { inMemory } from '../../helpers/inMemory.ts';

/* A panorama on which a face is seen on its second and third part only, by a Face that looks for a red patch. */

const patch = { left: 5_900, top: 200, width: 38, height: 60 };
const panorama = await sharp({ create: { width: 9_000, height: 400, channels: 3, background: 'grey' } })
  .composite([
    { input: { create: { ...patch, channels: 3, background: 'red' } }, left: patch.left, top: patch.top },
  ])
  .jpeg({ chromaSubsampling: '4:4:4' })
  .toBuffer();
const image = 'enroll/club/ann/pano.jpg';
const { ref } = placeOf(image);

/** Where the red patch is, if it is large enough to be seen as a face. */
async function patchOn(bytes: Uint8Array): Promise<FaceRectangle | undefined> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  let [left, right, top, bottom] = [info.width, -1, info.height, -1];
  for (let y = 0; y < info.height; y += 1)
    for (let x = 0; x < info.width; x += 1) {
      const at = (y * info.width + x) * info.channels;
      if ((data[at] ?? 0) < 200 || (data[at + 1] ?? 0) > 90) continue;
      [left, right, top, bottom] = [
        Math.min(left, x),
        Math.max(right, x),
        Math.min(top, y),
        Math.max(bottom, y),
      ];
    }
  const found = { left, top, width: right - left + 1, height: bottom - top + 1 };
  return found.width >= 36 ? found : undefined;
}

/** Each call to Face, and the calls before which the quota sends it away. */
function world(settings: Record<string, string> = {}, deferredUntil: readonly number[] = []) {
  const detections: (FaceRectangle | undefined)[] = [];
  let asked = 0;
  const app = inMemory({
    settings: { ENROLL_MIN_QUALITY: 'none', ENROLL_SEVERAL_FACES: 'largest', ...settings },
    face: {
      async detect(bytes) {
        asked += 1;
        if (deferredUntil.includes(asked)) throw deferred(1_000);
        const faceRectangle = await patchOn(bytes);
        detections.push(faceRectangle);
        const faceId = `${detections.length}`.padStart(36, '0');
        return faceRectangle === undefined ? [] : [{ faceId, faceRectangle }];
      },
    },
  });
  app.blobs.set(image, { bytes: panorama, etag: '1', writtenAt: app.clock.now });
  const arrive = async () => {
    app.clock.now += 60_000;
    await app.rollcall.reconcileImage(image);
    return (await app.rollcall.imageRecords.get(ref)) ?? expect.fail('it is not recorded');
  };
  return { arrive, detections };
}

test('a face that vanishes when its picture is shrunk is found on a part of it', async () => {
  const { arrive, detections } = world();
  const { state, faceRectangle, part } = await arrive();
  expect(state).toBe('detected');
  expect(detections.map(Boolean)).toEqual([false, false, true, true]);
  for (const [name, value] of Object.entries(patch))
    expect(Math.abs((faceRectangle?.[name as keyof FaceRectangle] ?? 0) - value)).toBeLessThan(4);
  // Two parts show it, and it is one face. What is added later is one of them, with the face in it.
  expect(part?.left).toBeLessThan(patch.left);
  expect((part?.left ?? 0) + (part?.width ?? 0)).toBeGreaterThan(patch.left + patch.width);
});

test('no call is made twice when the quota sends the picture away in between', async () => {
  const { arrive, detections } = world({}, [2, 3, 5, 7]);
  for (let visits = 0; visits < 4; visits += 1) {
    expect(await arrive()).toMatchObject({ state: 'received', parts: { count: [0, 0, 1, 2][visits] } });
  }
  const { state, parts } = await arrive();
  expect([state, parts]).toEqual(['detected', undefined]);
  expect(detections).toHaveLength(4);
});

test('parts cost no more calls than are given, and none where none are', async () => {
  for (const [given, calls] of [
    ['0', 1],
    ['2', 3],
  ] as const) {
    const { arrive, detections } = world({ ENROLL_PART_CALLS: given });
    const { state, reason, detail } = await arrive();
    expect([state, reason]).toEqual(['rejected', 'no_face']);
    expect(detail).toContain(`nor on ${given} parts of it`);
    expect(detections).toHaveLength(calls);
  }
});

test.each([
  ['PNG', () => sharp(panorama).png({ compressionLevel: 1 }).toBuffer()],
  ['WebP', () => sharp(panorama).webp({ quality: 95 }).toBuffer()],
  ['TIFF', () => sharp(panorama).tiff().toBuffer()],
  ['JPEG that stands on its side', () => turned(6, 270)],
  ['JPEG that stands on its head', () => turned(3, 180)],
])('a part of a %s is the same as of the upright picture', async (_what, make) => {
  const part = { left: 5_000, top: 0, width: 2_000, height: 400 };
  const { bytes, toOriginal, toPrepared } = await prepareImage(await make(), part);
  const seen = (await patchOn(bytes)) ?? expect.fail('the patch is not on it');
  const found = toOriginal(seen);
  for (const [name, value] of Object.entries(patch))
    expect(Math.abs(found[name as keyof FaceRectangle] - value)).toBeLessThan(4);
  expect(toPrepared(found)).toEqual(seen);
});

/** The panorama as a camera writes it that was held otherwise. */
function turned(orientation: number, degrees: number): Promise<Buffer> {
  return sharp(panorama)
    .rotate(degrees)
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .withMetadata({ orientation })
    .toBuffer();
}

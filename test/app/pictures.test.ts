import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { jpegBomb, pngBomb } from '../helpers/bombs.ts';
import { odd, turned } from '../helpers/odd.ts';
import { portrait } from '../helpers/pictures.ts';
import { useSharedStack } from '../helpers/stack.ts';

/* One real face, on every kind of picture, through the whole of it: the rectangle is that of the upright original. */

type Rectangle = { left: number; top: number; width: number; height: number };

const plain = portrait('franck_02045.jpg');
const stack = useSharedStack();
let wanted: Rectangle;

async function rectangleOf(bytes: Buffer): Promise<Rectangle> {
  const { status, body } = await stack.postPicture('groups/kinds/identify', bytes);
  expect({ status, body }).toMatchObject({ status: 200, body: { faces: [{}] } });
  const { faces } = body as { faces: [{ faceRectangle: Rectangle }] };
  return faces[0].faceRectangle;
}

function expectAlike(is: Rectangle, tolerance: number): void {
  for (const side of ['left', 'top', 'width', 'height'] as const)
    expect(Math.abs(is[side] - wanted[side]), `${side} of ${JSON.stringify(is)}`).toBeLessThanOrEqual(
      tolerance,
    );
}

beforeAll(async () => {
  await stack.api('groups/kinds', {
    method: 'PUT',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  wanted = await rectangleOf(plain);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i', async (orientation) => {
  expectAlike(await rectangleOf(await turned(plain, orientation, 'jpeg')), 5);
  expectAlike(await rectangleOf(await turned(plain, orientation, 'webp')), 5);
});

test('a turned picture that is made smaller for Face keeps its rectangle in its own pixels', async () => {
  const large = await sharp(plain)
    .resize(720 * 6)
    .jpeg()
    .toBuffer();
  const { left, top, width, height } = await rectangleOf(await turned(large, 6, 'jpeg'));
  // It is looked at in another size, so that the models see it a little differently.
  expectAlike({ left: left / 6, top: top / 6, width: width / 6, height: height / 6 }, 16);
});

test.each(Object.entries(odd))('%s', async (_what, make) => {
  // Without its colours a face looks a little larger or smaller to the models.
  expectAlike(await rectangleOf(await make(plain)), 24);
});

test('a picture is what its bytes are, not what its type or its name says', async () => {
  const png = await sharp(plain).png().toBuffer();
  const { status, body } = await stack.api('groups/kinds/identify', {
    method: 'POST',
    headers: { 'content-type': 'image/jpeg' },
    body: new Uint8Array(png),
  });
  expect({ status, body }).toMatchObject({ status: 200, body: { faces: [{}] } });
  await stack.drop(
    'enroll/kinds/ann/portrait.gif',
    await sharp(portrait('audrey_crop.jpg')).webp().toBuffer(),
  );
  await stack.settled('enroll/kinds/ann/portrait.gif', 'enrolled');
});

test.each([
  ['a JPEG cut short', async () => plain.subarray(0, 2_000), 415, 'not_an_image'],
  [
    'a PNG cut short',
    async () => (await sharp(plain).png().toBuffer()).subarray(0, 3_000),
    415,
    'not_an_image',
  ],
  ['a PNG bomb', pngBomb, 413, 'image_too_large'],
  ['a JPEG bomb', jpegBomb, 413, 'image_too_large'],
  [
    'a drawing',
    async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>'),
    415,
    'unsupported_format',
  ],
])('%s is refused as what it is', async (_what, make, status, code) => {
  expect(await stack.postPicture('groups/kinds/identify', await make())).toMatchObject({
    status,
    body: { code },
  });
});

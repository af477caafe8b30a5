import sharp from 'sharp';
import type { Point, Rectangle } from '../../emulators/face/contract/vision.ts';
import type { Size } from './backgrounds.ts';
import { drawOccluder } from './occluders.ts';

/** A portrait with the rectangle and the five points of its only face. */
export type Portrait = Size & {
  name: string;
  bytes: Uint8Array;
  face: Rectangle;
  points: readonly Point[];
};

/** The radius of a head around the centre of its face, in widths of the face. */
const reach = 1.4;

/** `width` is that of the face in pixels, `angle` is in degrees, clockwise. */
export type Change = { width: number; angle: number; mirrored: boolean; masked: boolean; seed: number };

/** Cuts out a head with a soft round edge, turned, with the centre of its face at the point. */
export async function cutOutHead(portrait: Portrait, change: Change, { x, y }: Point) {
  const { face, points } = portrait;
  const bytes = change.masked
    ? await drawOccluder(portrait.bytes, points, 'mask', change.seed)
    : portrait.bytes;
  const radius = Math.round(face.width * reach);
  const side = 2 * radius;
  const [centreX, centreY] = [face.left + face.width / 2, face.top + face.height / 2];
  // The pixels of the edge continue beyond the portrait.
  const extended = await sharp(bytes)
    .removeAlpha()
    .extend({ top: radius, bottom: radius, left: radius, right: radius, extendWith: 'copy' })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const cutOut = await sharp(extended)
    .extract({ left: Math.round(centreX), top: Math.round(centreY), width: side, height: side })
    .flop(change.mirrored)
    .png({ compressionLevel: 1 })
    .toBuffer();
  const target = 2 * Math.round(change.width * reach);
  const edge = `<svg xmlns="http://www.w3.org/2000/svg" width="${target}" height="${target}"><radialGradient id="g"><stop offset="0.8" stop-color="#fff"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient><circle cx="50%" cy="50%" r="50%" fill="url(#g)"/></svg>`;
  const small = await sharp(cutOut)
    .resize(target, target)
    .ensureAlpha()
    .composite([{ input: Buffer.from(edge), blend: 'dest-in' }])
    .png({ compressionLevel: 1 })
    .toBuffer();
  const { data: turned, info } = await sharp(small)
    .rotate(change.angle, { background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .png({ compressionLevel: 1 })
    .toBuffer({ resolveWithObject: true });
  const input = await sharp(turned)
    .extract({
      left: (info.width - target) >> 1,
      top: (info.height - target) >> 1,
      width: target,
      height: target,
    })
    .png({ compressionLevel: 1 })
    .toBuffer();
  return { input, left: Math.round(x - target / 2), top: Math.round(y - target / 2) };
}

import sharp, { type Sharp } from 'sharp';

/* Pictures of the kinds that go wrong elsewhere, made from one that is plain. */

/** With the pixels turned so that the EXIF orientation turns them back upright. */
export async function turned(
  upright: Buffer,
  orientation: number,
  format: 'jpeg' | 'webp' | 'tiff',
): Promise<Buffer> {
  const pixels = await inverse(upright, orientation);
  return sharp(pixels).withMetadata({ orientation })[format]({ quality: 95 }).toBuffer();
}

/** What undoes each orientation, in steps, as sharp has an order of its own within one. */
async function inverse(upright: Buffer, orientation: number): Promise<Buffer> {
  const step = (bytes: Buffer, change: (picture: Sharp) => Sharp) =>
    change(sharp(bytes)).png({ compressionLevel: 1 }).toBuffer();
  switch (orientation) {
    case 2:
      return step(upright, (picture) => picture.flop());
    case 3:
      return step(upright, (picture) => picture.rotate(180));
    case 4:
      return step(upright, (picture) => picture.flip());
    case 5:
      return step(await step(upright, (picture) => picture.rotate(90)), (picture) => picture.flop());
    case 6:
      return step(upright, (picture) => picture.rotate(270));
    case 7:
      return step(await step(upright, (picture) => picture.rotate(270)), (picture) => picture.flop());
    case 8:
      return step(upright, (picture) => picture.rotate(90));
    default:
      return upright;
  }
}

/** Of three frames: the picture, and two without a face. */
export async function animated(first: Buffer, format: 'gif' | 'webp'): Promise<Buffer> {
  const { width, height } = await sharp(first).metadata();
  const blank = await sharp({ create: { width, height, channels: 3, background: '#446' } })
    .png()
    .toBuffer();
  const frames = sharp([first, blank, blank], { join: { animated: true } });
  return frames[format]({ effort: 1 }).toBuffer();
}

export const odd = {
  'a CMYK JPEG': (plain: Buffer) => sharp(plain).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer(),
  'a PNG of 16 bits': (plain: Buffer) => sharp(plain).toColourspace('rgb16').png().toBuffer(),
  'a JPEG with an embedded profile': (plain: Buffer) => sharp(plain).withIccProfile('p3').jpeg().toBuffer(),
  'a grey JPEG': (plain: Buffer) => sharp(plain).greyscale().jpeg().toBuffer(),
  'a PNG with transparency': (plain: Buffer) => sharp(plain).ensureAlpha(0.9).png().toBuffer(),
  'a PNG of a palette': (plain: Buffer) => sharp(plain).png({ palette: true, effort: 1 }).toBuffer(),
  'a progressive JPEG': (plain: Buffer) => sharp(plain).jpeg({ progressive: true }).toBuffer(),
  'an animated GIF': (plain: Buffer) => animated(plain, 'gif'),
  'an animated WebP': (plain: Buffer) => animated(plain, 'webp'),
} as const satisfies Record<string, (plain: Buffer) => Promise<Buffer>>;

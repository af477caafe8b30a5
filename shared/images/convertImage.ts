import type { Sharp } from 'sharp';
import { RollcallError } from '../errors/errors.ts';
import { faceLimits } from '../face/client.ts';
import type { FaceRectangle } from '../face/types.ts';
import { checkDamaged, leastShare, toDamaged } from './damage.ts';
import { decodeInThread } from './decodeInThread.ts';
import { ownShrink } from './decodingCost.ts';
import type { Size } from './formats.ts';
import { largestPixels, type InspectedImage } from './inspectImage.ts';
import { scale, toPreparedImage, type ConvertedImage } from './preparedImage.ts';
import { loadSharp } from './sharp.ts';

const decodingSeconds = 60;
/** Face refuses files under 1 KB. */
export const smallestFileForFace = 1_024;
/** Qualities tried in this order until the encoded image fits into the 6 MB that Face accepts. */
const jpegQualities = [92, 80, 60];

/**
 * Converts an image, or one part of it, to one that Face accepts. Damage is tolerated, if enough of the image is there.
 * @throws RollcallError not_an_image, image_too_large
 */
export async function convertImage(
  bytes: Uint8Array,
  inspected: InspectedImage,
  part?: FaceRectangle,
): Promise<ConvertedImage> {
  const { open, opened } = await openImage(bytes, inspected);
  const toEncode = { bytes, original: inspected.size, opened, part };
  try {
    return await encode(() => open('warning'), toEncode);
  } catch (error) {
    refuseSlow(error);
    if (error instanceof RollcallError) throw error;
    await checkDamaged(open('none'), error);
    return await encode(() => open('none'), toEncode).catch((again: unknown) => {
      throw again instanceof RollcallError ? again : toDamaged(again);
    });
  }
}

type Opener = (failOn: 'none' | 'warning') => Sharp;

/**
 * Returns a function that opens the image with sharp, strict or tolerant of damage. BMP and HEIC, which sharp does not
 * read, are decoded first.
 */
async function openImage(
  bytes: Uint8Array,
  { layout, bmp, size }: InspectedImage,
): Promise<{ open: Opener; opened: Size }> {
  const sharp = await loadSharp();
  const { format, stored } = layout;
  if (format !== 'bmp' && format !== 'heic') {
    const open: Opener = (failOn) =>
      sharp(bytes, { limitInputPixels: largestPixels.shrinking, failOn }).timeout({
        seconds: decodingSeconds,
      });
    return { open, opened: size };
  }
  const shrinkBy = ownShrink(stored);
  const { image, rows } = await decodeInThread(
    bytes,
    bmp === undefined ? { format: 'heic', shrinkBy } : { format: 'bmp', header: bmp, shrinkBy },
  );
  if (rows < stored.height * leastShare) throw toDamaged();
  const { data, width, height } = image;
  return { open: () => sharp(data, { raw: { width, height, channels: 3 } }), opened: { width, height } };
}

/** `opened` is the size of the upright image after decoding: the BMP and HEIC decoders may shrink the image. */
type ToEncode = { bytes: Uint8Array; original: Size; opened: Size; part: FaceRectangle | undefined };

async function encode(
  open: () => Sharp,
  { bytes, original, opened, part }: ToEncode,
): Promise<ConvertedImage> {
  const upright = (): Sharp => {
    const whole = open().autoOrient();
    const wanted = part === undefined ? whole : whole.extract(scale(part, original, opened));
    return wanted.flatten({ background: '#ffffff' }).toColourspace('srgb');
  };
  if (bytes.length < smallestFileForFace) {
    return toPreparedImage(await upright().png({ compressionLevel: 0 }).toBuffer(), original, original);
  }
  const side = faceLimits.imageSide;
  for (const quality of jpegQualities) {
    // Opens the image again for each quality: a clone would copy the whole file on the event loop.
    const resized = upright().resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true });
    const { data, info } = await resized.jpeg({ quality }).toBuffer({ resolveWithObject: true });
    if (data.length <= faceLimits.imageBytes) return toPreparedImage(data, info, original, part);
  }
  throw new RollcallError('image_too_large', 'The picture cannot be brought under 6 MB.');
}

function refuseSlow(error: unknown): void {
  if (!(error instanceof Error) || !error.message.startsWith('timeout')) return;
  throw new RollcallError(
    'image_too_large',
    `Decoding the picture takes longer than ${decodingSeconds} seconds.`,
  );
}

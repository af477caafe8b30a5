import type Sharp from 'sharp';

/** Of what libvips can load, all that is ever given to it; it never meets a drawing, a PDF or a raw format. */
const loaders = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Tiff', 'Heif'].map((format) => `VipsForeignLoad${format}`);

let loaded: Promise<typeof Sharp> | undefined;

/** The picture library, loaded with the first picture: it is large, and the start of the app does not need it. */
export function loadSharp(): Promise<typeof Sharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    // One picture uses one core; the Functions host runs several functions at once.
    sharp.concurrency(1);
    sharp.cache(false);
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({ operation: loaders });
    return sharp;
  });
  return loaded;
}

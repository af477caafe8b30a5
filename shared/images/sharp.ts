import type Sharp from 'sharp';

/** The libvips loaders that are allowed. All others are blocked, such as those of drawings, PDF and raw formats. */
const loaders = ['Jpeg', 'Png', 'Nsgif', 'Webp', 'Tiff', 'Heif'].map((format) => `VipsForeignLoad${format}`);

let loaded: Promise<typeof Sharp> | undefined;

/** Loads the image library with the first image: the library is large, and the start of the app does not need it. */
export function loadSharp(): Promise<typeof Sharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    // Limits an image to one core, because the Functions host runs several functions concurrently.
    sharp.concurrency(1);
    sharp.cache(false);
    sharp.block({ operation: ['VipsForeignLoad'] });
    sharp.unblock({ operation: loaders });
    return sharp;
  });
  return loaded;
}

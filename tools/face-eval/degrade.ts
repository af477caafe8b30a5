import sharp, { type Sharp } from 'sharp';
import { createRandom } from './occluders.ts';

const harms = ['blurred', 'shrunk', 'noisy', 'dark', 'blocky'] as const;

/** Degrades an image in a random way and strength. The same seed gives the same result. */
export async function degrade(bytes: Uint8Array, seed: number): Promise<{ how: string; bytes: Buffer }> {
  const random = createRandom(seed);
  const harm = harms[Math.floor(random() * harms.length)] ?? 'blurred';
  const strength = random();
  const { width, height } = await sharp(bytes).metadata();
  const source = sharp(bytes).removeAlpha();
  switch (harm) {
    case 'blurred':
      return done(source.blur(width * (0.004 + 0.03 * strength)));
    case 'shrunk': {
      const small = await source.resize(Math.round(width * (0.5 - 0.35 * strength))).toBuffer();
      return done(sharp(small).resize(width, height));
    }
    case 'noisy': {
      const noise = { type: 'gaussian', mean: 128, sigma: 10 + 60 * strength } as const;
      const layer = await sharp({ create: { width, height, channels: 3, background: '#000', noise } })
        .png()
        .toBuffer();
      return done(source.composite([{ input: layer, blend: 'hard-light' }]));
    }
    case 'dark':
      return done(source.linear(0.35 - 0.3 * strength));
    case 'blocky':
      return { how: harm, bytes: await source.jpeg({ quality: Math.round(12 - 10 * strength) }).toBuffer() };
  }
  async function done(image: Sharp) {
    return { how: harm, bytes: await image.jpeg({ quality: 92 }).toBuffer() };
  }
}

import { readFile } from 'node:fs/promises';
import sharp from 'sharp';

export type Labelled = {
  rectangle: { left: number; top: number; width: number; height: number };
  label: string;
};

/** Writes a copy of a picture with a box and a name at each face. */
export async function annotate(file: string, faces: readonly Labelled[], output: string): Promise<void> {
  const upright = await sharp(await readFile(file))
    .autoOrient()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const line = Math.max(2, Math.round(width / 250));
  const size = Math.max(14, Math.round(width / 28));
  const marks = faces.map(({ rectangle: { left, top, width: w, height: h }, label }) => {
    const y = Math.min(height - size / 3, top + h + size);
    return (
      `<rect x="${left}" y="${top}" width="${w}" height="${h}" fill="none" stroke="#00e5a0" stroke-width="${line}"/>` +
      `<text x="${left}" y="${y}" font-family="sans-serif" font-size="${size}" fill="#00e5a0" stroke="#003322"` +
      ` stroke-width="${line / 2}" paint-order="stroke">${escaped(label)}</text>`
    );
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`;
  await sharp(upright.data)
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 90 })
    .toFile(output);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

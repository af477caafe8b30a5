import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { widthOf } from './terminal/text.ts';

type Rectangle = { left: number; top: number; width: number; height: number };

export type Labelled = { rectangle: Rectangle; label: string; isStranger: boolean };

/** The tags of faces: the name and how sure it is, or that it is a stranger. */
export function toLabels(
  faces: readonly {
    faceRectangle: Rectangle;
    candidates: readonly { person: string; confidence: number }[];
  }[],
): Labelled[] {
  return faces.map(({ faceRectangle: rectangle, candidates: [best] }) => ({
    rectangle,
    label: best === undefined ? 'stranger' : `${best.person} ${best.confidence.toFixed(2)}`,
    isStranger: best === undefined,
  }));
}

const colours = {
  known: { fill: '#0b6e4f', text: '#ffffff' },
  stranger: { fill: '#c75000', text: '#ffffff' },
};
/** Of the height of letters: the width of a terminal's column for them in the fonts that systems have. */
const letterWidth = 0.6;

/** Writes a copy of a picture with a box around each face and a filled tag below it, sized by the picture. */
export async function annotate(file: string, faces: readonly Labelled[], output: string): Promise<void> {
  const { default: sharp } = await import('sharp').catch((error: unknown) => {
    throw new Error('pictures are written with sharp, which is not installed: npm install -g sharp', {
      cause: error,
    });
  });
  const upright = await sharp(await readFile(file))
    .autoOrient()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = upright.info;
  const svg = Buffer.from(formatMarks(faces, width, height));
  await sharp(upright.data)
    .composite([{ input: svg }])
    .jpeg({ quality: 90 })
    .toFile(output);
}

/** The boxes and tags as SVG; a tag that would leave the picture moves inside. */
export function formatMarks(faces: readonly Labelled[], width: number, height: number): string {
  const size = Math.max(10, Math.round(Math.min(width, height) / 24));
  const line = Math.max(2, Math.round(size / 8));
  const marks = faces.map(({ rectangle: { left, top, width: w, height: h }, label, isStranger }) => {
    const { fill, text } = colours[isStranger ? 'stranger' : 'known'];
    const tagWidth = Math.min(width, Math.round(widthOf(label) * size * letterWidth + size));
    const tagHeight = Math.round(size * 1.5);
    const x = Math.max(0, Math.min(left, width - tagWidth));
    const y = Math.max(0, Math.min(top + h, height - tagHeight));
    return (
      `<rect x="${left}" y="${top}" width="${w}" height="${h}" fill="none" stroke="${fill}" stroke-width="${line}"/>` +
      `<rect x="${x}" y="${y}" width="${tagWidth}" height="${tagHeight}" fill="${fill}"/>` +
      `<text x="${x + size / 2}" y="${y + size * 1.1}" font-family="sans-serif" font-size="${size}" fill="${text}"` +
      ` textLength="${tagWidth - size}" lengthAdjust="spacingAndGlyphs">${escaped(label)}</text>`
    );
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`;
}

/** Writes a page that shows pictures of the same folder, and who is on them. */
export async function writeIndex(
  folder: string,
  pictures: readonly { name: string; labels: readonly string[] }[],
): Promise<void> {
  const figures = pictures.map(
    ({ name, labels }) =>
      `<figure><img src="${encodeURIComponent(name)}" alt="" loading="lazy">` +
      `<figcaption><b>${escaped(name)}</b><br>${escaped(labels.join(', ') || 'nobody')}</figcaption></figure>`,
  );
  const style =
    'body{font:16px sans-serif;display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}' +
    'figure{margin:0}img{width:100%}figcaption{overflow-wrap:anywhere}';
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Who is on these pictures</title><style>${style}</style>`;
  await writeFile(join(folder, 'index.html'), `${page}${figures.join('\n')}</html>\n`);
}

function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // oxlint-disable-next-line no-control-regex -- XML has no control characters
      .replaceAll(/[\u0000-\u001f\ufffe\uffff]/g, ' ')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('"', '&quot;')
  );
}

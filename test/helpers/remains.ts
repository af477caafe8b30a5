import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A name in the forms in which a program writes it: UTF-8, UTF-16, percent encoding, base64 in all three alignments. */
export function formsOf(name: string): Buffer[] {
  const bytes = Buffer.from(name);
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The first and the last characters depend on what stands before and after the name.
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  return [
    bytes,
    Buffer.from(name, 'utf16le'),
    Buffer.from(encodeURIComponent(name)),
    ...base64.map((text) => Buffer.from(text)),
  ];
}

/** Windows of the data of a picture behind its header, which other pictures share. */
export function windowsOf(picture: Uint8Array): Buffer[] {
  const starts = [0.3, 0.5, 0.7, 0.9].map((part) => Math.floor(picture.length * part));
  return starts.map((start) => Buffer.from(picture.subarray(start, start + 48)));
}

/** The files below a folder that hold one of these, and which. */
export function remainsIn(folder: string, wanted: Readonly<Record<string, readonly Buffer[]>>): string[] {
  return readdirSync(folder, { recursive: true }).flatMap((name) => {
    const path = join(folder, String(name));
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return [];
    const bytes = readFileSync(path);
    return Object.entries(wanted)
      .filter(([, forms]) => forms.some((form) => bytes.includes(form)))
      .map(([what]) => `${what} in ${String(name)}`);
  });
}
